interface Waiting<Value> {
  readonly name: string;
  readonly done: (value: Value | undefined) => void;
  readonly failed: (error: unknown) => void;
}

/** Batches requests about single names, which parts of a page make at the same time. */
export class AskedTogether<Value> {
  #waiting: Waiting<Value>[] = [];

  /**
   * @param limit maximum names per request
   * @param answer returns what is known, by name
   */
  constructor(
    private readonly limit: number,
    private readonly answer: (names: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
  ) {}

  /** @returns undefined for an unknown name */
  ask(name: string): Promise<Value | undefined> {
    if (this.#waiting.length === 0) setTimeout(() => void this.#askAll(), 0);
    return new Promise((done, failed) => {
      this.#waiting.push({ name, done, failed });
    });
  }

  async #askAll(): Promise<void> {
    const waiting = Map.groupBy(this.#waiting.splice(0), ({ name }) => name);
    const names = [...waiting.keys()];
    const groups = Array.from({ length: Math.ceil(names.length / this.limit) }, (_, at) =>
      names.slice(at * this.limit, (at + 1) * this.limit),
    );
    await Promise.all(groups.map((group) => this.#askGroup(group, waiting)));
  }

  async #askGroup(names: readonly string[], waiting: ReadonlyMap<string, readonly Waiting<Value>[]>): Promise<void> {
    const of = (name: string): readonly Waiting<Value>[] => waiting.get(name) ?? [];
    try {
      const known = await this.answer(names);
      for (const name of names) for (const { done } of of(name)) done(known.get(name));
    } catch (error) {
      for (const name of names) for (const { failed } of of(name)) failed(error);
    }
  }
}
