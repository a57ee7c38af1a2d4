import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { addressOf } from './peer-address.js';

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

/**
 * Addresses and networks (CIDR), separated by commas, of the proxies whose `X-Forwarded-For` is trusted; none when empty.
 * A network of all addresses is refused: then anybody could choose their own address.
 */
export const trustedProxiesSchema = z
  .string()
  .default('')
  .transform((text): readonly string[] =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  )
  .refine(
    (entries) => entries.every(isNetwork),
    'must be comma-separated IP addresses or CIDR ranges such as 10.0.0.0/8',
  )
  .refine(
    (entries) => entries.every((entry) => !entry.endsWith('/0')),
    'must not contain all addresses, because any caller could then forge its address',
  );

/**
 * Whether an entry of `X-Forwarded-For` is one of the trusted proxies, whatever its port.
 * @param entries as {@link trustedProxiesSchema} parsed them
 */
export function trustedProxies(entries: readonly string[]): (entry: string | undefined) => boolean {
  const list = new BlockList();
  for (const entry of entries) {
    const [network = '', prefix] = entry.split('/');
    const version = isIP(network) === 4 ? 'ipv4' : 'ipv6';
    list.addSubnet(network, prefix === undefined ? (version === 'ipv4' ? 32 : 128) : Number(prefix), version);
  }
  return (entry) => {
    const address = entry === undefined ? undefined : addressOf(entry);
    return address !== undefined && list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
  };
}
