/** The source of a key set. Its URL may have to be discovered first. */
export interface KeySource {
  /** The name under which its keys are stored: it identifies their owner. */
  readonly name: string;
  /**
   * @param signal aborts the search
   * @returns the URL of the key set
   * @throws {Error} when it cannot be found
   */
  locate(signal: AbortSignal): string | Promise<string>;
  /** The keys could not be fetched there: the URL is looked up again. */
  forget(): void;
}

/** A fixed URL. */
export const fixedSource = (url: string): KeySource => ({ name: url, locate: () => url, forget: () => undefined });
