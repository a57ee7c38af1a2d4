import { boundedBody } from '../bounded-body.js';
import { isLoopback, protectedUrl } from '../endpoint.js';
import { parseJsonObject } from '../json-object.js';
import { undirectedFetch } from '../undirected-fetch.js';
import { type KeySource } from './key-source.js';

const METADATA_SIZE_LIMIT = 256 * 1024;
/** Milliseconds for which a discovered URL is used before it is looked up again. */
const FOUND_FOR_MS = 3_600_000;

/**
 * URLs where an issuer's metadata may be, most common first. OpenID Connect Discovery, section 4.1, puts the well-known part after the issuer's path,
 * RFC 8414, section 3.1, before it; both occur with both names.
 * @throws {TypeError} for an issuer that is not an http(s) URL, or has a query, a fragment or credentials (RFC 8414, section 2)
 */
export function metadataUrls(issuer: string): readonly string[] {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  const isIssuer = url !== undefined && /^https?:$/.test(url.protocol) && !/[?#]/.test(issuer) && url.username === '';
  if (!isIssuer) {
    throw new TypeError(`the issuer ${JSON.stringify(issuer)} must be a URL without query and fragment: pass jwksUrl`);
  }
  const path = url.pathname.replace(/\/$/, '');
  const [openid, oauth] = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];
  const paths = [`${path}${openid}`, `${oauth}${path}`, `${openid}${path}`, `${path}${oauth}`];
  return [...new Set(paths)].map((one) => `${url.origin}${one}`);
}

/** Addresses of this machine, of private networks, and link-local ones, where clouds serve credentials (RFC 6890). */
const inside =
  /^(0|10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.|^\[(::|f[cd]|fe[89ab])/i;

/**
 * Whether keys may be fetched from the URL in an issuer's metadata (RFC 8414, section 2). Someone who answers for the issuer must not make this
 * service send requests into its own network, so another host is accepted only over https and by name.
 * @returns what is wrong
 */
function faultOf(jwksUri: unknown, issuer: URL, allowPlainHttp: boolean): string | undefined {
  if (typeof jwksUri !== 'string' || jwksUri.length > 2_048 || !URL.canParse(jwksUri)) return 'it has no jwks_uri';
  const { protocol, host, hostname, origin, username, hash } = new URL(jwksUri);
  if (!/^https?:$/.test(protocol) || username !== '' || hash !== '') return `its jwks_uri is not a valid URL for keys`;
  if (host === issuer.host && protocol === issuer.protocol) return undefined;
  if (allowPlainHttp || (isLoopback(hostname) && isLoopback(issuer.hostname))) return undefined;
  if (protocol === 'http:') return `its jwks_uri is plain http on another host, ${origin}`;
  return inside.test(hostname) || isLoopback(hostname)
    ? `its jwks_uri is a private address, ${origin}: pass jwksUrl if that is intended`
    : undefined;
}

export interface DiscoveryOptions {
  /** The identifier that the metadata must repeat, character by character (RFC 8414, section 3.3). */
  readonly issuer: string;
  readonly fetch: typeof globalThis.fetch;
  /** Allows metadata and keys over plain http beyond this machine. */
  readonly allowPlainHttp: boolean;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
}

/** Finds an issuer's keys by its identifier: OpenID Connect Discovery 1.0 and RFC 8414. */
export class Discovery implements KeySource {
  readonly name: string;
  readonly #urls: readonly string[];
  #found: { readonly url: string; readonly until: number } | undefined;

  /** @throws {TypeError} for an issuer that has no metadata, and for plain http beyond this machine */
  constructor(private readonly options: DiscoveryOptions) {
    this.#urls = metadataUrls(protectedUrl(options.issuer, options.allowPlainHttp));
    this.name = this.#urls[0] ?? options.issuer;
  }

  async locate(signal: AbortSignal): Promise<string> {
    const now = this.options.monotonic();
    if (this.#found !== undefined && now < this.#found.until) return this.#found.url;
    const faults: string[] = [];
    for (const url of this.#urls) {
      const read = await this.#read(url, signal);
      if (!('fault' in read)) {
        this.#found = { url: read.jwksUri, until: now + FOUND_FOR_MS };
        return read.jwksUri;
      }
      faults.push(`${url} ${read.fault}`);
    }
    throw new Error(faults.join('; '));
  }

  forget(): void {
    this.#found = undefined;
  }

  /** @throws the error of `fetch` if nobody answers: the other URLs are on the same host */
  async #read(url: string, signal: AbortSignal): Promise<{ readonly jwksUri: string } | { readonly fault: string }> {
    const { fetch, issuer, allowPlainHttp } = this.options;
    const response = await undirectedFetch(fetch, url, { headers: { accept: 'application/json' }, signal });
    if (!response.ok) {
      await response.body?.cancel();
      return { fault: `answered ${String(response.status)}` };
    }
    const body = await boundedBody(response, METADATA_SIZE_LIMIT);
    try {
      const { issuer: said, jwks_uri: jwksUri } = parseJsonObject(body);
      if (said !== issuer) return { fault: `is for the issuer ${JSON.stringify(said)}, not ${JSON.stringify(issuer)}` };
      const fault = faultOf(jwksUri, new URL(issuer), allowPlainHttp);
      return fault === undefined ? { jwksUri: String(jwksUri) } : { fault: `cannot be used: ${fault}` };
    } catch {
      return { fault: 'is not a JSON object' };
    }
  }
}
