/** Something that is not as it should be, and what to do about it. */
export interface Finding {
  /** Stable, for `--json`. */
  readonly code: string;
  /** The service, database or folder. */
  readonly where: string;
  readonly what: string;
  readonly to_do: string;
}
