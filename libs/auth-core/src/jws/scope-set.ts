const refuse = {
  value: (): never => {
    throw new TypeError('the scopes of a verified token cannot be changed');
  },
};

/** An immutable set, because a principal is shared by all requests with its token; otherwise like any other set of the same scopes. */
export function fixedSet(scopes: readonly string[]): ReadonlySet<string> {
  return Object.defineProperties(new Set(scopes), { add: refuse, delete: refuse, clear: refuse });
}

const SETS_KEPT = 1_000;
const sets = new Map<string, ReadonlySet<string>>();

/**
 * The scopes that a `scope` value lists, separated by single spaces (RFC 6749, section 3.3). A few distinct values repeat, so each is parsed once;
 * the cache is bounded.
 */
export function scopeSetOf(scope: string): ReadonlySet<string> {
  const known = sets.get(scope);
  if (known !== undefined) return known;
  const made = fixedSet(scope === '' ? [] : scope.split(' '));
  if (sets.size >= SETS_KEPT) sets.clear();
  sets.set(scope, made);
  return made;
}
