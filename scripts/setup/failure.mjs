/** The catalogue's `setup_failed`, said by code that runs before the contracts can be loaded; a test holds the two together. */

/** `EXIT.setup` of the catalogue. */
export const EXIT_SETUP = 7;

/** A step cannot be done, and a person can do something about it. */
export class SetupFailure extends Error {
  step = "";

  /**
   * @param {string} reason What happened, without a full stop.
   * @param {string} hint What to do about it, a sentence.
   * @param {string} [details] Output of the program that failed, for those who want to know more.
   */
  constructor(reason, hint, details = "") {
    super(reason);
    this.reason = reason;
    this.hint = hint;
    this.details = details;
  }

  /**
   * Name the step it happened in, unless a part of it already did.
   * @param {string} step
   */
  at(step) {
    this.step ||= step;
    return this;
  }

  text() {
    const details = this.details.trim() ? `\n\n${this.details.trim()}` : "";
    return `Set-up stopped at “${this.step}”: ${this.reason}.\n${this.hint}${details}`;
  }
}

/**
 * Turn the output of npm, pip or uv into a reason and a hint. What cannot be told is quoted.
 * @param {string} program
 * @param {string} output
 */
export function failureOf(program, output) {
  const lines = output
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const ofNpm = lines.filter((line) => /^npm error ./.test(line));
  // npm says first what is wrong and then how it is used; the others come to the point at the end.
  const details = (ofNpm.length > 0 ? ofNpm.slice(0, 6) : lines.slice(-12)).join("\n");
  if (/ENOSPC|no space left on device/i.test(output)) return new SetupFailure("the disk is full", "Free some space, then run the command again.", details);
  if (/hash mismatch|do not match the hashes|EINTEGRITY/i.test(output)) {
    const what = /Hash mismatch for `([^`]+)`/.exec(output)?.[1] ?? /^\s*([\w.-]+==\S+|uv)\b.*from/m.exec(output)?.[1] ?? "a package";
    return new SetupFailure(
      `the download of ${what} does not have the recorded sha256`,
      "Nothing of it was installed. Run the command again; if it repeats, the index or mirror in use serves another file.",
      details,
    );
  }
  if (/EUSAGE|can only install packages when your package\.json and package-lock\.json/i.test(output)) {
    return new SetupFailure("package.json and package-lock.json do not belong together", "Run `npm install` and look at what it changed.", details);
  }
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|dns error|error sending request|connection (refused|reset)|timed out|name resolution/i.test(
      output,
    )
  ) {
    return new SetupFailure(
      `${program} could not reach its server`,
      "Check the network, the proxy (HTTPS_PROXY) or the mirror in use, then run the command again.",
      details,
    );
  }
  if (/UnknownIssuer|CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|unable to get local issuer/i.test(output)) {
    return new SetupFailure(
      `${program} does not trust the certificate of its server`,
      "Behind a private authority, set NODE_EXTRA_CA_CERTS and SSL_CERT_FILE to its certificate, then run the command again.",
      details,
    );
  }
  const said = lines.findLast((line) => /^(error|npm error|×|╰─▶|├─▶|caused by)/i.test(line)) ?? lines.at(-1) ?? "it said nothing";
  return new SetupFailure(
    `${program} failed: ${said.replace(/^([×╰─├▶\s]+|(npm )?error:? )/i, "").replace(/\.$/, "")}`,
    "Run the command again; what is below may tell more.",
    details,
  );
}
