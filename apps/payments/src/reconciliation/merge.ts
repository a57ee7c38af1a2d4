/** Returns the items of one side in order, then undefined. */
export type Source<Item> = AsyncIterator<Item, undefined>;

/**
 * Reads pages one after another, as one sequence.
 * @param read a page that starts after an id, and the id after which the next one starts; undefined at the end
 */
export async function* paged<Item>(
  first: string,
  read: (after: string) => Promise<{ readonly items: readonly Item[]; readonly next: string | undefined }>,
): AsyncGenerator<Item, undefined> {
  for (let after: string | undefined = first; after !== undefined;) {
    const { items, next }: { items: readonly Item[]; next: string | undefined } = await read(after);
    yield* items;
    after = next;
  }
  return undefined;
}

/** Walks two id-ordered sequences side by side: each id once, with the items of both sides. */
export async function* sideBySide<One, Other>(
  ones: Source<One>,
  others: Source<Other>,
  idOfOne: (one: One) => string,
  idOfOther: (other: Other) => string,
): AsyncGenerator<{ readonly id: string; readonly one: One | undefined; readonly other: Other | undefined }> {
  let [one, other] = [(await ones.next()).value, (await others.next()).value];
  while (one !== undefined || other !== undefined) {
    const [left, right] = [one && idOfOne(one), other && idOfOther(other)];
    const takesOne = left !== undefined && (right === undefined || left <= right);
    const takesOther = right !== undefined && (left === undefined || right <= left);
    const id = (takesOne ? left : right) ?? '';
    yield { id, one: takesOne ? one : undefined, other: takesOther ? other : undefined };
    if (takesOne) one = (await ones.next()).value;
    if (takesOther) other = (await others.next()).value;
  }
}
