/** Page object: one window of the editor. What specs say in the words of a user is here said in the words of the workbench's DOM. */
import { join } from "node:path";
import { errors, type FrameLocator, type Locator, type Page } from "playwright-core";
import { expect } from "vitest";
import { ROOT, until } from "../../rig.ts";

/** Screenshots and logs, kept after the run. */
export const RESULTS = join(ROOT, "test-results", "editor");

const RESTORED_MS = 60_000;
/** How long the first attempt may take of what is tried again; each further one may take twice as long. */
const SHORT_MS = 3_000;
const LONG_MS = 24_000;

export class EditorWindow {
  readonly page: Page;
  readonly folder: string | null;
  /** What the workbench's console said, for a failed test. */
  readonly console: string[] = [];
  readonly #hosts: () => number[];
  #knownHosts: number[];

  constructor(page: Page, folder: string | null, hosts: () => number[], knownHosts: number[]) {
    this.page = page;
    this.folder = folder;
    this.#hosts = hosts;
    this.#knownHosts = knownHosts;
    page.on("console", (message) => this.console.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => this.console.push(`pageerror: ${error.message}`));
  }

  async load(address: string): Promise<void> {
    await this.page.goto(address, { waitUntil: "commit" });
    await this.#restored();
  }

  /** Reload as the user's “Reload window” does: the extension host ends and another begins. */
  async reload(): Promise<void> {
    this.#knownHosts = this.#hosts();
    await this.page.reload({ waitUntil: "commit" });
    await this.#restored();
  }

  /**
   * Wait until the workbench has stored something. In a browser it writes its state every few seconds and not at a reload, unlike
   * on the desktop; what was not written by then is lost.
   */
  async remembers(text: string): Promise<void> {
    const stored = () =>
      this.page.evaluate(async (wanted) => {
        const result = <T>(request: IDBRequest<T>) =>
          new Promise<T>((resolve, reject) => {
            request.onsuccess = () => resolve(request.result);
            request.onerror = () => reject(request.error);
          });
        for (const { name } of await indexedDB.databases()) {
          if (!name?.startsWith("vscode-web-state-db")) continue;
          const database = await result(indexedDB.open(name));
          const tables = [...database.objectStoreNames].map((table) => result(database.transaction(table).objectStore(table).getAll()));
          const values = (await Promise.all(tables)).flat();
          database.close();
          if (values.some((value) => String(value).includes(wanted))) return true;
        }
        return false;
      }, text);
    await until(stored, () => `the workbench to store ${text}`);
  }

  async close(): Promise<void> {
    // The page first: only then does its extension host deactivate at once.
    const { page } = this;
    const context = page.context();
    await page.close();
    await context.close();
  }

  /** PID of this window's extension host. */
  async extensionHost(): Promise<number> {
    const own = () => this.#hosts().filter((pid) => !this.#knownHosts.includes(pid));
    await until(
      () => own().length === 1,
      () => `one extension host of this window, not ${own()}`,
    );
    return own()[0] as number;
  }

  /** Run a command by its title as the palette shows it. */
  async command(title: string): Promise<void> {
    await this.attempts(async (timeout) => {
      await this.#openPalette(`>${title}`, timeout);
      await this.row(title).click({ timeout });
    });
  }

  /** Choose from a list that is open already; it draws only the rows that are in view, so it is filtered first. */
  async choose(text: string): Promise<void> {
    await this.#fillQuickInput(text, LONG_MS);
    await this.row(text).click();
  }

  /**
   * Answer the editor's own file dialog. It looks at the disk while one types, and an answer that comes meanwhile only ends the
   * looking; so the answer is given until the dialog is gone.
   */
  async choosePath(path: string, button: string): Promise<void> {
    const dialog = this.page.locator(".quick-input-widget:visible");
    await dialog.waitFor();
    await until(
      async () => {
        try {
          await this.#fillQuickInput(path, SHORT_MS);
          await dialog.getByRole("button", { name: button }).click({ timeout: SHORT_MS });
          await dialog.waitFor({ state: "hidden", timeout: SHORT_MS });
        } catch (error) {
          if (!(error instanceof errors.TimeoutError)) throw error;
        }
        return (await dialog.count()) === 0;
      },
      () => `the dialog to take ${path}`,
    );
  }

  /** Whether the palette offers a command. */
  async offers(title: string): Promise<boolean> {
    let found = false;
    await this.attempts(async (timeout) => {
      await this.#openPalette(`>${title}`, timeout);
      // Either is there once the list is filled.
      await this.page.locator(".quick-input-list .monaco-list-row").first().waitFor({ timeout });
      found = (await this.row(title).count()) > 0;
      await this.page.keyboard.press("Escape");
    });
    return found;
  }

  /** Open a file of the workspace. */
  async openFile(name: string): Promise<void> {
    await this.attempts(async (timeout) => {
      await this.page.keyboard.press("ControlOrMeta+P");
      await this.#fillQuickInput(name, timeout);
      await this.page.locator(".quick-input-list .monaco-list-row", { hasText: name }).first().click({ timeout });
      await this.tab(name).waitFor({ timeout });
    });
  }

  /** Row of the quick input's list. */
  row(text: string): Locator {
    return this.page.locator(".quick-input-list .monaco-list-row", { hasText: text }).first();
  }

  async closeTab(name: string): Promise<void> {
    await this.tab(name).hover();
    await this.tab(name).getByRole("button", { name: /Close/ }).click();
    await this.tab(name).waitFor({ state: "detached" });
  }

  tab(name: string): Locator {
    return this.page.locator(".tabs-container .tab", { hasText: name }).first();
  }

  /** tino's item in the status bar. */
  get statusItem(): Locator {
    return this.page.locator("#tino\\.tino\\.tino\\.engine, .statusbar-item[id*='tino.engine']").first();
  }

  /** Wait until the status bar says something. */
  async status(text: string | RegExp): Promise<void> {
    await this.#shows(this.statusItem, text);
  }

  /** A lens above a class. */
  lens(text: string | RegExp): Locator {
    return this.page.locator(".codelens-decoration a", { hasText: text }).first();
  }

  notification(text: string | RegExp): Locator {
    return this.page.locator(".notifications-toasts .notification-list-item", { hasText: text }).first();
  }

  /** The words of every notification that is shown. */
  notifications(): Promise<string[]> {
    return this.page.locator(".notifications-toasts .notification-list-item .notification-list-item-message").allTextContents();
  }

  /** A native dialog of the editor. */
  get dialog(): Locator {
    return this.page.locator(".monaco-dialog-box");
  }

  /** Open a terminal of the editor and run something in it. */
  async terminal(command: string): Promise<void> {
    await this.command("Terminal: Create New Terminal");
    // The shell is there once it has written its prompt.
    await this.page.locator(".terminal-wrapper.active .xterm-rows", { hasText: /[$#] / }).waitFor();
    await this.typeInTerminal(command);
    await this.page.keyboard.press("Enter");
  }

  async typeInTerminal(text: string): Promise<void> {
    await this.page.locator(".terminal-wrapper.active textarea").focus();
    await this.page.keyboard.type(text);
  }

  /** Rows of the Problems view, which is opened. */
  async problems(): Promise<Locator> {
    if ((await this.page.locator(".markers-panel").count()) === 0) await this.command("View: Toggle Problems");
    await this.page.locator(".markers-panel").first().waitFor();
    return this.page.locator(".markers-panel .monaco-list-row");
  }

  /** tino's side bar, opened. */
  async sideBar(): Promise<void> {
    const icon = this.page.locator(".activitybar .action-item a[aria-label^='tino']").first();
    await icon.waitFor();
    if ((await this.page.locator(".sidebar .title-label", { hasText: /tino/i }).count()) === 0) await icon.click();
    await this.page.locator(".sidebar .pane-header", { hasText: "Runs" }).waitFor();
  }

  /** Row of a tree in the side bar. */
  treeRow(text: string | RegExp): Locator {
    return this.page.locator(".sidebar .monaco-list-row", { hasText: text }).first();
  }

  /** Content of the webview panel that is visible. */
  get panel(): FrameLocator {
    return this.page.locator("iframe.webview.ready:visible").first().contentFrame().locator("iframe#active-frame").contentFrame();
  }

  /** Put text where a needle stands in a file: open it, find the needle, type over it. */
  async replaceIn(file: string, needle: string, text: string): Promise<void> {
    await this.openFile(file);
    await this.page.keyboard.press("ControlOrMeta+F");
    const input = this.page.locator(".find-widget.visible textarea").first();
    await input.fill(needle);
    await this.page.keyboard.press("Enter");
    await this.page.keyboard.press("Escape");
    await this.page.keyboard.type(text);
  }

  /** Apply a quick fix at the cursor by its title. */
  async quickFix(title: RegExp): Promise<void> {
    await this.attempts(async (timeout) => {
      await this.page.keyboard.press("ControlOrMeta+.");
      await this.page.locator(".action-widget .monaco-list-row", { hasText: title }).first().click({ timeout });
    });
  }

  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: join(RESULTS, `${name.replaceAll(/[^\w-]+/g, "-").slice(0, 120)}.png`) });
  }

  async #shows(locator: Locator, text: string | RegExp): Promise<void> {
    let seen = "";
    await until(
      async () => {
        seen = (await locator.count()) > 0 ? ((await locator.textContent()) ?? "") : "";
        return typeof text === "string" ? seen.includes(text) : text.test(seen);
      },
      () => `“${text}”, seen was “${seen}”`,
    );
    expect(seen).toMatch(text);
  }

  async #openPalette(text: string, timeout: number): Promise<void> {
    await this.page.keyboard.press("F1");
    await this.#fillQuickInput(text, timeout);
  }

  async #fillQuickInput(text: string, timeout: number): Promise<void> {
    await this.page.locator(".quick-input-widget:visible input[type=text]").first().fill(text, { timeout });
  }

  /** Do something that a change of the focus while the workbench settles can undo, until it is done. */
  async attempts(work: (timeout: number) => Promise<void>): Promise<void> {
    for (let timeout = SHORT_MS; ; timeout *= 2) {
      try {
        return await work(timeout);
      } catch (error) {
        if (timeout >= LONG_MS) throw error;
        // Only what is open is closed: Escape alone would hide the notifications.
        if ((await this.page.locator(".quick-input-widget:visible, .action-widget:visible").count()) > 0) await this.page.keyboard.press("Escape");
      }
    }
  }

  /** Parts of the workbench come one after the other; the bell is among the last in the status bar. */
  async #restored(): Promise<void> {
    await this.page.locator(".part.statusbar .statusbar-item[id='status.notifications']").waitFor({ timeout: RESTORED_MS });
  }
}
