const REFUSAL = 'the scopes of a verified token cannot be changed';

/** A set that cannot be changed once it is made: a principal is shared by all requests that bring its token. */
class ScopeSet extends Set<string> {
  static of(scopes: Iterable<string>): ReadonlySet<string> {
    const set = new ScopeSet();
    for (const scope of scopes) Set.prototype.add.call(set, scope);
    return set;
  }

  override add(): never {
    throw new TypeError(REFUSAL);
  }

  override delete(): never {
    throw new TypeError(REFUSAL);
  }

  override clear(): never {
    throw new TypeError(REFUSAL);
  }
}

const SETS_KEPT = 1_000;
const sets = new Map<string, ReadonlySet<string>>();

/**
 * The scopes that a `scope` value lists, parted by single spaces (RFC 6749, section 3.3). Few distinct values come again and again, so each
 * is read once; the memory is bounded.
 */
export function scopeSetOf(scope: string): ReadonlySet<string> {
  const known = sets.get(scope);
  if (known !== undefined) return known;
  const made = ScopeSet.of(scope === '' ? [] : scope.split(' '));
  if (sets.size >= SETS_KEPT) sets.clear();
  sets.set(scope, made);
  return made;
}
