/** A violation of an invariant, and where. */
export interface Fault {
  /** The account, transfer or currency. */
  readonly where: string;
  readonly expected: string;
  readonly found: string;
}

export interface InvariantsJson {
  /** Whether all of them hold. */
  readonly ok: boolean;
  readonly checked_at: string;
  readonly accounts: number;
  readonly transfers: number;
  readonly entries: number;
  readonly invariants: readonly {
    readonly name: string;
    readonly holds: string;
    readonly ok: boolean;
    readonly faults: number;
    readonly shown: readonly Fault[];
  }[];
}
