const PARAMETER = /^:/;

function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  for (const [index, part] of wanted.entries()) {
    if (part === '*') return given.length > index;
    const segment = given[index];
    if (segment === undefined || (PARAMETER.test(part) ? segment === '' : part !== segment)) return false;
  }
  return wanted.length === given.length;
}

/** The routes of a service by path, for requests that matched none of them: a path that exists under other methods is a 405. */
export class RouteMethods {
  readonly #byPattern = new Map<string, Set<string>>();

  /** @param pattern in Fastify's syntax: `:name` for a segment, `*` for the rest */
  add(method: string | readonly string[], pattern: string): void {
    const known = this.#byPattern.get(pattern) ?? new Set();
    for (const one of typeof method === 'string' ? [method] : method) known.add(one);
    this.#byPattern.set(pattern, known);
  }

  /** @param url the path of a request, possibly with a query string. @returns the methods for `Allow` (RFC 9110, section 10.2.1), none for an unknown path */
  allowed(url: string): readonly string[] {
    const [path = ''] = url.split('?', 1);
    const methods = new Set<string>();
    for (const [pattern, known] of this.#byPattern) {
      if (matches(pattern, path)) for (const method of known) methods.add(method);
    }
    return [...methods].sort();
  }
}
