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

const AGAIN = "then run the command again.";

/**
 * What npm, pip and uv say in their own words, and what it means; the first that fits.
 * @type {{ says: RegExp, reason: (program: string, output: string) => string, hint: string }[]}
 */
const MEANINGS = [
  {
    says: /ENOSPC|no space left on device/i,
    reason: () => "the disk is full",
    hint: `Free some space, ${AGAIN}`,
  },
  {
    says: /hash mismatch|do not match the hashes|EINTEGRITY/i,
    reason: (_, output) => {
      const what = /Hash mismatch for `([^`]+)`/.exec(output)?.[1] ?? /^\s*([\w.-]+==\S+)\s.*from/m.exec(output)?.[1] ?? "a package";
      return `the download of ${what} does not have the recorded sha256`;
    },
    hint: "Nothing of it was installed. Run the command again; if it repeats, the index or mirror in use serves another file.",
  },
  {
    says: /EUSAGE/,
    reason: () => "package.json and package-lock.json do not belong together",
    hint: "Run `npm install` and look at what it changed.",
  },
  {
    says: /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|dns error|error sending request|connection (refused|reset)|timed out|name resolution/i,
    reason: (program) => `${program} could not reach its server`,
    hint: `Check the network, the proxy (HTTPS_PROXY) or the mirror in use, ${AGAIN}`,
  },
  {
    says: /UnknownIssuer|CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|unable to get local issuer/i,
    reason: (program) => `${program} does not trust the certificate of its server`,
    hint: `Behind a private authority, set NODE_EXTRA_CA_CERTS and SSL_CERT_FILE to its certificate, ${AGAIN}`,
  },
  {
    says: /No matching distribution found for/,
    reason: (program, output) => `${program} finds no ${/found for (\S+?)\.?$/m.exec(output)?.[1]} for this machine`,
    hint: `Check the network and the package index in use, ${AGAIN}`,
  },
];

/**
 * Turn the output of npm, pip or uv into a reason and a hint. What is not known is quoted.
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
  const meaning = MEANINGS.find(({ says }) => says.test(output));
  if (meaning) return new SetupFailure(meaning.reason(program, output), meaning.hint, details);
  const said = lines.findLast((line) => /^(error|npm error|×|╰─▶|├─▶|caused by)/i.test(line)) ?? lines.at(-1) ?? "it said nothing";
  const plain = said.replace(/^([×╰─├▶\s]+|(npm )?error:? )/i, "").replace(/\.$/, "");
  return new SetupFailure(`${program} failed: ${plain}`, "Run the command again; what is below may tell more.", details);
}
