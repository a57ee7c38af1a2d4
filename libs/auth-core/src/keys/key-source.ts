/** Where a key set is. Its address may have to be found first. */
export interface KeySource {
  /** What it is called where the keys are stored: it says whose they are. */
  readonly name: string;
  /**
   * @param signal ends the search
   * @returns the address of the key set
   * @throws {Error} when it cannot be found
   */
  locate(signal: AbortSignal): string | Promise<string>;
  /** The keys could not be had there: the address is looked for again. */
  forget(): void;
}

/** An address that is known. */
export const fixedSource = (url: string): KeySource => ({ name: url, locate: () => url, forget: () => undefined });
