import { BlockList, isIP, type LookupFunction } from 'node:net';
import { askNameServers, askSystem, type NameLookup } from './name-lookup.js';

/** Maximum characters of an endpoint's URL. */
export const URL_LIMIT = 2_048;

/** Where webhooks may go: `public`, https to public addresses only; `any`, for local stacks: also http and private addresses. */
export type TargetRule = 'public' | 'any';

const privateAddresses = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  privateAddresses.addSubnet(network, prefix, 'ipv4');
}
/**
 * Addresses of cloud platforms that look public but answer only from inside: metadata, agents, name servers, platform APIs. The others
 * (169.254.169.254, 100.100.100.200, fd00:ec2::254, …) are in the networks above.
 */
for (const [network, prefix] of [
  // Azure: the host's agent, name server and metadata.
  ['168.63.129.16', 32],
  // Google Cloud: private and restricted access to its APIs; forwarded name queries.
  ['199.36.153.4', 30],
  ['199.36.153.8', 30],
  ['35.199.192.0', 19],
  // IBM Cloud: service endpoints.
  ['161.26.0.0', 16],
  ['166.8.0.0', 14],
] as const) {
  privateAddresses.addSubnet(network, prefix, 'ipv4');
}
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  privateAddresses.addSubnet(network, prefix, 'ipv6');
}

/**
 * Whether anybody on the internet could reach the address: global unicast (IANA special-purpose registries, RFC 6890), and not a cloud
 * platform's own. IPv6 addresses
 * that carry an IPv4 address within (mapped, 6to4, NAT64, Teredo) are not, so that none can smuggle a private one in.
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !privateAddresses.check(address, 'ipv4');
  return family === 6 && globalUnicast.check(address, 'ipv6') && !privateAddresses.check(address, 'ipv6');
}

export type TargetRefusal = 'URL_INVALID' | 'URL_NOT_HTTPS' | 'URL_HAS_CREDENTIALS' | 'ADDRESS_NOT_PUBLIC';

/** What is wrong with a target's URL itself, before its name is looked up. @returns undefined when it may be tried */
export function refusalOfUrl(text: string, rule: TargetRule): TargetRefusal | undefined {
  if (!URL.canParse(text)) return 'URL_INVALID';
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(rule === 'any' && url.protocol === 'http:')) return 'URL_NOT_HTTPS';
  if (url.username !== '' || url.password !== '') return 'URL_HAS_CREDENTIALS';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (rule === 'public' && isIP(host) !== 0 && !isPublicAddress(host)) return 'ADDRESS_NOT_PUBLIC';
  return undefined;
}

/** A target's URL in its one canonical form (WHATWG URL, without a fragment, which is never sent), or what is wrong with it. */
export type Target =
  { readonly ok: true; readonly url: string } | { readonly ok: false; readonly refusal: TargetRefusal };

/** Normalises a URL at registration: removes blanks, default ports, capitals and the like, so that the stored URL is the one that the signature names. */
export function readTarget(text: string, rule: TargetRule): Target {
  const refusal = refusalOfUrl(text, rule);
  if (refusal !== undefined) return { ok: false, refusal };
  const url = new URL(text);
  url.hash = '';
  return url.href.length > URL_LIMIT ? { ok: false, refusal: 'URL_INVALID' } : { ok: true, url: url.href };
}

/** A name that resolves to an address where webhooks may not go. */
export class TargetRefused extends Error {
  readonly code = 'ADDRESS_NOT_PUBLIC';
  constructor(hostname: string) {
    super(`${hostname} resolves to an address that is not public`);
    this.name = 'TargetRefused';
  }
}

/**
 * Looks a name up for a socket that is about to connect, and returns only addresses that the rule allows. The socket connects to
 * what was checked here, so that a second answer of the name server cannot redirect it (DNS rebinding).
 */
export function pinnedLookup(
  rule: TargetRule,
  ask: NameLookup = rule === 'public' ? askNameServers() : askSystem,
): LookupFunction {
  return (hostname, options, callback) => {
    ask(hostname).then(
      (addresses) => {
        const refused = rule === 'public' && !addresses.every(({ address }) => isPublicAddress(address));
        const [first] = addresses;
        if (refused || first === undefined) callback(new TargetRefused(hostname), '', 0);
        else if (options.all === true) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => {
        callback(error instanceof Error ? error : new Error(String(error)), '', 0);
      },
    );
  };
}
