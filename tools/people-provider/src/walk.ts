import { CookieJar } from './cookie-jar.js';

export { CookieJar };

export interface WalkOptions {
  /** Who signs in: the `id` of one of `people`. Without one, the person cancels. */
  readonly person: string | undefined;
  readonly twoFactors?: boolean;
  /** The browser's cookies of the provider; pass the same again and the person is still signed in. */
  readonly cookies?: CookieJar;
}

/** The provider's own page in between, which a browser's script submits: another person was signed in before. */
const submitsItself = (page: string): boolean => page.includes('document.forms[0].submit()');

function formIn(page: string): { url: URL; body: URLSearchParams } {
  const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1] ?? '';
  const body = new URLSearchParams();
  for (const [, name = '', value = ''] of page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g))
    body.set(name, value);
  return { url: new URL(action), body };
}

/** Maximum number of redirects of one sign-in. */
const STEPS = 10;

/**
 * Signs in at a running provider as a browser would, for tests without one: from the authorization URL, over the page, to where the
 * provider sends the person back to.
 * @returns the relying party's redirect URI with the answer in its query
 * @throws when the provider answers with anything but a redirect or its page
 */
export async function walkSignIn(authorizationUrl: URL | string, options: WalkOptions): Promise<URL> {
  const { person, twoFactors = false, cookies = new CookieJar() } = options;
  let url = new URL(authorizationUrl);
  const { origin } = url;
  let body: URLSearchParams | undefined;
  for (let step = 0; step < STEPS; step += 1) {
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: { cookie: cookies.header(url.pathname) },
      ...(body === undefined ? {} : { body }),
    });
    cookies.take(response);
    const location = response.headers.get('location');
    const text = await response.text();
    if (location !== null) {
      url = new URL(location, url);
      body = undefined;
      if (url.origin !== origin) return url;
    } else if (submitsItself(text)) {
      ({ url, body } = formIn(text));
    } else {
      if (response.status !== 200 || !url.pathname.startsWith('/interaction/'))
        throw new Error(`${url.pathname} answered ${String(response.status)}: ${text}`);
      body = new URLSearchParams(person === undefined ? { cancel: 'yes' } : { person });
      if (twoFactors) body.set('two_factors', 'yes');
    }
  }
  throw new Error(`more than ${String(STEPS)} steps`);
}

export interface SignOutWalk {
  /** The browser's cookies of the provider. */
  readonly cookies: CookieJar;
  /** The person chooses to stay signed in at the provider. */
  readonly stay?: boolean;
}

/**
 * Signs out at a running provider as a browser would: from its end-session URL, over the page that asks, to where it sends the person to.
 * @throws when the provider answers with an error
 */
export async function walkSignOut(endSessionUrl: URL | string, { cookies, stay = false }: SignOutWalk): Promise<URL> {
  const at = new URL(endSessionUrl);
  const page = await fetch(at, { redirect: 'manual', headers: { cookie: cookies.header(at.pathname) } });
  cookies.take(page);
  const text = await page.text();
  if (page.status !== 200) throw new Error(`${at.pathname} answered ${String(page.status)}: ${text}`);
  const { url, body } = formIn(text);
  if (!stay) body.set('logout', 'yes');
  const headers = { cookie: cookies.header(url.pathname) };
  const answer = await fetch(url, { method: 'POST', redirect: 'manual', headers, body });
  cookies.take(answer);
  const location = answer.headers.get('location');
  if (location === null) throw new Error(`${url.pathname} answered ${String(answer.status)}: ${await answer.text()}`);
  return new URL(location, url);
}
