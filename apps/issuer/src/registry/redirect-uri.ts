/** RFC 7591, section 2, and OpenID Connect registration: where the application runs. */
export const applicationTypes = ['web', 'native'] as const;
export type ApplicationType = (typeof applicationTypes)[number];

/** Maximum characters of a redirect URI. */
export const REDIRECT_URI_LENGTH_LIMIT = 512;

/** No space, quote, backslash, angle bracket, fragment or wildcard: nothing that two parsers read differently. */
const charactersPattern = /^[A-Za-z0-9._~:/?@!$&'()+,;=%[\]-]+$/;
/** A slash, a backslash or a dot that a server may decode but a comparison does not. */
const hiddenSeparator = /%(?:2f|5c|2e)/i;
/** The parameters that the response adds (RFC 6749, section 4.1.2; RFC 9207). */
const answerMembers = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'id_token', 'access_token'];
/** RFC 8252, section 7.1: a domain name in reverse order, then a path. */
const privateUsePattern = /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:\/(?!\/)/;
/** RFC 8252, section 7.3. `localhost` is not among them (section 8.3): it may resolve to something else. */
const loopbackPattern = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::(\d{1,5}))?(\/.*)$/;
const loopbackHosts = ['127.0.0.1', '[::1]', 'localhost'];
/** RFC 6761, section 6.3: names below `localhost` are loopback too; every browser ensures that itself. */
const isLoopback = (hostname: string): boolean => loopbackHosts.includes(hostname) || hostname.endsWith('.localhost');

function webFault({ protocol, hostname }: URL): string | undefined {
  if (protocol === 'https:') return undefined;
  if (protocol === 'http:' && isLoopback(hostname)) return undefined;
  return 'must be https (http only on loopback)';
}

function nativeFault(text: string, { protocol }: URL): string | undefined {
  if (protocol === 'https:' || loopbackPattern.test(text)) return undefined;
  if (protocol === 'http:') return 'must name loopback as http://127.0.0.1/… or http://[::1]/…, not by another name';
  if (privateUsePattern.test(text)) return undefined;
  return 'must be https, loopback, or a private-use scheme that is a reversed domain name, such as com.example.app:/signed-in';
}

/**
 * What is wrong with a redirect URI that a client declares (RFC 6749, section 3.1.2; RFC 8252, sections 7 and 8). It must be written in its
 * normal form, so that comparing texts compares addresses.
 * @returns undefined if it may be declared
 */
export function redirectUriFault(text: string, type: ApplicationType): string | undefined {
  if (text.length > REDIRECT_URI_LENGTH_LIMIT)
    return `must have at most ${String(REDIRECT_URI_LENGTH_LIMIT)} characters`;
  if (!charactersPattern.test(text) || !URL.canParse(text))
    return 'must be an absolute URI without fragment, wildcard, space or backslash';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'must not have credentials';
  if (url.href !== text) return `must be written in its normal form: ${url.href}`;
  if (hiddenSeparator.test(text)) return 'must not have an encoded slash, backslash or dot';
  const taken = answerMembers.find((name) => url.searchParams.has(name));
  if (taken !== undefined) return `must not have the parameter ${taken}, which is reserved for the response`;
  return type === 'web' ? webFault(url) : nativeFault(text, url);
}

function withoutPort(text: string): string | undefined {
  const [, origin, port, path] = loopbackPattern.exec(text) ?? [];
  if (origin === undefined || path === undefined) return undefined;
  const number = port === undefined ? 80 : Number(port);
  return number >= 1 && number <= 65_535 ? `${origin}${path}` : undefined;
}

/**
 * Whether a response may be sent to a URI: it must be one of those declared, character by character (RFC 9700, section 2.1). Only the port of a native
 * application's loopback address is free, because the system chooses it (RFC 8252, section 7.3).
 */
export function isDeclaredRedirect(declared: readonly string[], type: ApplicationType, asked: string): boolean {
  if (declared.includes(asked)) return true;
  if (type !== 'native' || asked.length > REDIRECT_URI_LENGTH_LIMIT || !charactersPattern.test(asked)) return false;
  const loopback = withoutPort(asked);
  return loopback !== undefined && declared.some((one) => withoutPort(one) === loopback);
}
