/** The outcome of the command, as its exit code; `countersign --help` lists them. */
export const ExitCode = {
  /** Done. */
  ok: 0,
  /** A service refused, or a check found a fault. */
  refused: 1,
  /** The command line, a file or the configuration is invalid. */
  usage: 2,
  /** A service did not respond: the same command may work later. */
  unreachable: 3,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** A failure shown to the person at the terminal: what is wrong, and what to do. */
export class CliError extends Error {
  /**
   * @param code stable, for `--json`
   * @param message what is wrong
   * @param hint what to do about it
   */
  constructor(
    readonly exitCode: ExitCode,
    readonly code: string,
    message: string,
    readonly hint?: string,
  ) {
    super(message);
    this.name = 'CliError';
  }
}

/** A request was sent, and the response does not say whether it was carried out. */
export class OutcomeUnknown extends CliError {}

/** A check found a fault, and the command has printed it: only the exit code is left to set. */
export class CheckFailed extends Error {
  constructor(readonly exitCode: ExitCode = ExitCode.refused) {
    super('a check found a fault');
    this.name = 'CheckFailed';
  }
}
