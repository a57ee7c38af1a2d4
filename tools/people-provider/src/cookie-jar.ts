/** Cookies of one host, as a browser keeps them: for tests that walk pages without a browser. */
export class CookieJar {
  private readonly kept = new Map<string, { readonly value: string; readonly path: string }>();

  /** Keeps what an answer sets; an empty or expired cookie is forgotten. */
  take(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/';
      const ended = attributes.some(
        (one) => /^max-age=0$/i.test(one) || (/^expires=/i.test(one) && Date.parse(one.slice(8)) < Date.now()),
      );
      if (ended || value === '') this.kept.delete(name);
      else this.kept.set(name, { value, path });
    }
  }

  /** The header for a request to the path; empty when there is nothing to send. */
  header(path: string): string {
    return [...this.kept]
      .filter(([, cookie]) => path.startsWith(cookie.path))
      .map(([name, { value }]) => `${name}=${value}`)
      .join('; ');
  }

  /** The value of one cookie, whatever its path. */
  value(name: string): string | undefined {
    return this.kept.get(name)?.value;
  }

  /** Adds or replaces a cookie by hand. */
  set(name: string, value: string, path = '/'): void {
    this.kept.set(name, { value, path });
  }
}
