/** A cookie that only the server can read. */
export interface CookieOptions {
  /** `Strict`: sent only with requests that our own pages make. `Lax`: also when a link or redirect leads here. */
  readonly sameSite: 'Strict' | 'Lax';
  readonly maxAgeSeconds: number;
}

/** Over https with the prefix that binds a cookie to this host; over plain http (a developer's machine) browsers refuse that prefix. */
export class Cookies {
  constructor(private readonly secure: boolean) {}

  private name(name: string): string {
    return this.secure ? `__Host-${name}` : name;
  }

  /** The `Set-Cookie` header's value. */
  set(name: string, value: string, { sameSite, maxAgeSeconds }: CookieOptions): string {
    const attributes = ['Path=/', 'HttpOnly', `SameSite=${sameSite}`, `Max-Age=${String(maxAgeSeconds)}`];
    return [`${this.name(name)}=${value}`, ...attributes, ...(this.secure ? ['Secure'] : [])].join('; ');
  }

  /** The value in a request's `Cookie` header, if we may have set it: 43 characters of base64url. */
  read(header: string | undefined, name: string): string | undefined {
    const prefix = `${this.name(name)}=`;
    const found = (header ?? '').split('; ').filter((pair) => pair.startsWith(prefix));
    const value = found.length === 1 ? found[0]?.slice(prefix.length) : undefined;
    return value !== undefined && /^[\w-]{43}$/.test(value) ? value : undefined;
  }
}
