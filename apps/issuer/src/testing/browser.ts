import { CookieJar } from '@countersign/people-provider';

/** What a page answered. */
export interface Visited {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Where it leads, where it is a redirect. */
  readonly location: URL | undefined;
}

/** A browser without scripts, for specs that walk the issuer's pages: it keeps the issuer's cookies and follows no redirect by itself. */
export class Browser {
  readonly cookies = new CookieJar();

  constructor(private readonly issuer: string) {}

  /** @param path of the issuer, or a whole URL of it */
  async get(path: string | URL, headers: Readonly<Record<string, string>> = {}): Promise<Visited> {
    return this.#visit(path, { headers });
  }

  /** Sends a form as a page of the issuer would. */
  async post(
    path: string | URL,
    form: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Visited> {
    const own = { origin: new URL(this.issuer).origin, 'sec-fetch-site': 'same-origin' };
    return this.#visit(path, { method: 'POST', body: new URLSearchParams(form), headers: { ...own, ...headers } });
  }

  async #visit(
    path: string | URL,
    init: RequestInit & { headers: Readonly<Record<string, string>> },
  ): Promise<Visited> {
    const url = new URL(path, this.issuer);
    const headers = {
      cookie: this.cookies.header(url.pathname),
      'user-agent': 'Mozilla/5.0 (X11; Linux) Firefox/140.0',
      ...init.headers,
    };
    const response = await fetch(url, { ...init, redirect: 'manual', headers });
    this.cookies.take(response);
    const location = response.headers.get('location');
    return {
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      location: location === null ? undefined : new URL(location, url),
    };
  }
}

/** The hidden fields of a page's first form whose action ends like this. */
export function fieldsOf(page: string, action: string): Record<string, string> {
  const forms = [...page.matchAll(/<form[^>]* action="([^"]+)"[^>]*>(.*?)<\/form>/gs)];
  const form = forms.find(([, url = '']) => url.endsWith(action))?.[2] ?? '';
  const fields = [...form.matchAll(/<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"/g)];
  return Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value.replaceAll('&amp;', '&')]));
}
