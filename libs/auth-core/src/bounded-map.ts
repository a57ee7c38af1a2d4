/**
 * A map with a maximum size: the entry set least recently is evicted for a new one. Setting an entry again makes it the newest, so a
 * caller that sets what it uses keeps what is used.
 */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  /**
   * @param limit maximum entries
   * @param onEvicted called with each evicted entry, not with deleted ones
   */
  constructor(
    private readonly limit: number,
    private readonly onEvicted?: (key: Key, value: Value) => void,
  ) {
    super();
  }

  override set(key: Key, value: Value): this {
    super.delete(key);
    super.set(key, value);
    if (this.size > this.limit) this.#evict();
    return this;
  }

  #evict(): void {
    for (const [oldest, value] of this) {
      super.delete(oldest);
      this.onEvicted?.(oldest, value);
      return;
    }
  }
}
