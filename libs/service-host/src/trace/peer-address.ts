import { isIP } from 'node:net';

const groupPattern = /^[0-9a-f]{1,4}$/;

/** The eight groups of an IPv6 address that {@link isIP} accepted. */
function groupsOf(address: string): readonly number[] {
  const [plain = ''] = address.toLowerCase().split('%');
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(plain);
  const pair = (high = '', low = ''): string => ((Number(high) << 8) | Number(low)).toString(16);
  const hex = dotted === null ? plain : `${dotted[1] ?? ''}${pair(dotted[2], dotted[3])}:${pair(dotted[4], dotted[5])}`;
  const [front = [], back = []] = hex.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => '0');
  return [...front, ...zeros, ...back].map((group) => (groupPattern.test(group) ? parseInt(group, 16) : 0));
}

/** The IPv4 address inside `::ffff:0:0/96` (IPv4-mapped) and `64:ff9b::/96` (RFC 6052): all of IPv4 is in one /64 of each. */
function embeddedAddress(groups: readonly number[]): string | undefined {
  const prefix = groups.slice(0, 6).join(':');
  if (prefix !== '0:0:0:0:0:65535' && prefix !== '100:65435:0:0:0:0') return undefined;
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.');
}

/**
 * The address of one entry of `X-Forwarded-For`, without a port: some proxies write `ip:port` and `[ip]:port`.
 * @returns an IPv4-mapped address as IPv4; undefined for what is not an address
 */
export function addressOf(entry: string): string | undefined {
  if (isIP(entry) === 4) return entry;
  const text = /^\[([^[\]]+)\](?::\d{1,5})?$/.exec(entry)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(entry)?.[1] ?? entry;
  const version = isIP(text);
  if (version === 0 || (version === 4 && entry.startsWith('['))) return undefined;
  return version === 4 ? text : (embeddedAddress(groupsOf(text)) ?? text.toLowerCase());
}

/**
 * The network by which requests are counted: each IPv4 address and each IPv6 /64 counts separately.
 * @param address a caller's address, or an entry of `X-Forwarded-For`
 * @param proxy the address of the proxy that named it, used for anything that is not an address, so that one caller's odd header does not put
 *   all callers into one count
 * @returns an IPv4 address, an IPv6 network such as `2001:db8:0:7::/64`, or `unknown`
 */
export function networkOf(address: string, proxy?: string): string {
  const known = addressOf(address) ?? (proxy === undefined ? undefined : addressOf(proxy));
  if (known === undefined) return 'unknown';
  if (isIP(known) === 4) return known;
  const network = groupsOf(known)
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':');
  return `${network}::/64`;
}
