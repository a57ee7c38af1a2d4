import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { leadsOnTo } from './leads-on-to.js';
import { type SignedIn } from './signed-in.js';

/** What a browser got: a redirect that it would follow, or a page. */
export interface Visit {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Where it is sent, by a redirect or by a page that continues by itself; undefined for another page. */
  readonly location: URL | undefined;
  readonly text: string;
}

type Headers = Readonly<Record<string, string>>;

/** Not `fetch`, which writes `Sec-Fetch-Mode` itself. */
function send(url: string, method: string, headers: Headers, body?: string): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      const { statusCode: status = 0, headers: got } = response;
      text(response).then((content) => {
        const onward = got.location ?? leadsOnTo(content);
        const location = onward === undefined ? undefined : new URL(onward);
        resolve({ status, headers: got, location, text: content });
      }, reject);
    });
    sent.on('error', reject).end(body);
  });
}

/** Opens an address as a browser does, and follows nothing. */
export function open(url: string, who?: SignedIn, headers: Headers = {}, method = 'GET'): Promise<Visit> {
  const cookie: Headers = who === undefined ? {} : { cookie: who.cookie };
  return send(url, method, { ...cookie, ...headers });
}

/** The hidden fields of a page's form. */
export function hiddenFields({ text: page }: Visit): Readonly<Record<string, string>> {
  const fields = [...page.matchAll(/<input\s+type="hidden"\s+name="([^"]+)"\s+value="([^"]*)"/g)];
  return Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value]));
}

/** Sends a form as a browser does. */
export function submit(
  url: string,
  form: Readonly<Record<string, string>>,
  who: SignedIn,
  headers: Headers = who.formHeaders,
): Promise<Visit> {
  const type = { 'content-type': 'application/x-www-form-urlencoded', cookie: who.cookie };
  return send(url, 'POST', { ...type, ...headers }, new URLSearchParams(form).toString());
}
