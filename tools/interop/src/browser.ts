import { CookieJar, walkSignIn } from '@countersign/people-provider';

/** Maximum requests of one walk. */
const STEPS = 20;

const unescaped = (text: string): string => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"');

/** The one form of a page that is posted, filled as the page has it. */
function formOf(page: string, at: URL): { readonly url: URL; readonly body: URLSearchParams } {
  const [, action = ''] = /<form[^>]*\saction="([^"]+)"/.exec(page) ?? [];
  const body = new URLSearchParams();
  for (const [, name = '', value = ''] of page.matchAll(/<input\s+type="hidden"\s+name="([^"]+)"\s+value="([^"]*)"/g))
    body.set(name, unescaped(value));
  return { url: new URL(unescaped(action), at), body };
}

/**
 * Opens an address as a person does: signs in where asked who they are, and allows what an application asks for.
 * @param isEnd whether an address is the one that all this leads to; it is opened too
 * @throws when it leads nowhere
 */
export async function walk(
  issuer: string,
  start: string,
  person: string,
  isEnd: (address: URL) => boolean,
): Promise<void> {
  const cookies = new CookieJar();
  let url = new URL(start);
  let body: URLSearchParams | undefined;
  for (let step = 0; step < STEPS; step += 1) {
    if (isEnd(url)) {
      await fetch(url);
      return;
    }
    if (url.origin !== issuer) {
      url = await walkSignIn(url, { person });
      continue;
    }
    const response = await fetch(url, {
      ...(body === undefined ? {} : { method: 'POST', body }),
      headers: { cookie: cookies.header(url.pathname), ...(body === undefined ? {} : { origin: issuer }) },
      redirect: 'manual',
    });
    cookies.take(response);
    const location = response.headers.get('location');
    const page = await response.text();
    body = undefined;
    if (location !== null) {
      url = new URL(location, url);
      continue;
    }
    if (!response.ok) throw new Error(`${url.pathname} answered ${String(response.status)}`);
    // A page that leads on without a redirect, so that no other site's page is in the history.
    const [, onward] = /<meta http-equiv="refresh" content="\d+; ?url=([^"]+)"/.exec(page) ?? [];
    if (onward === undefined) {
      ({ url, body } = formOf(page, url));
      body.set('decision', 'allow');
    } else {
      url = new URL(unescaped(onward), url);
    }
  }
  throw new Error(`more than ${String(STEPS)} steps`);
}
