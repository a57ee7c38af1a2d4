import type * as net from 'node:net';
import { type ApiKeyIdentity } from '../principal.js';

const lists = new WeakMap<ApiKeyIdentity, net.BlockList>();
/** Loaded for the first key, so that a service without keys starts sooner. */
let known: typeof net | undefined;

/** Await this before calling {@link mayBeUsedFrom} for a key that names networks. */
export async function loadNetworks(): Promise<void> {
  known ??= await import('node:net');
}

function listOf(key: ApiKeyIdentity, { BlockList, isIP }: typeof net): net.BlockList {
  const made = lists.get(key);
  if (made !== undefined) return made;
  const list = new BlockList();
  for (const network of key.networks) {
    const [address = '', bits] = network.split('/');
    const version = isIP(address);
    const prefix = Number(bits);
    // An entry that cannot be parsed allows nothing.
    if (version === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > (version === 4 ? 32 : 128)) continue;
    list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
  }
  lists.set(key, list);
  return list;
}

/** An IPv4 address as a dual-stack socket writes it. */
const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * Whether a key may be used from an address: from any if it names no networks; if it does, never from an unknown address.
 * @param address of the caller, as the service knows it
 */
export function mayBeUsedFrom(key: ApiKeyIdentity, address: string | undefined): boolean {
  if (key.networks.length === 0) return true;
  if (address === undefined || known === undefined) return false;
  const plain = mapped.exec(address)?.[1] ?? address.replace(/%.*$/, '');
  const version = known.isIP(plain);
  return version !== 0 && listOf(key, known).check(plain, version === 4 ? 'ipv4' : 'ipv6');
}

/** An address, or the /64 of an IPv6 address: one household or machine has all of it. */
export function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address;
  const [head = '', tail = ''] = address.split('::');
  const parts = head.split(':').filter((part) => part !== '');
  if (!address.includes('::')) return parts.slice(0, 4).join(':');
  const missing = 8 - parts.length - tail.split(':').filter((part) => part !== '').length;
  return [...parts, ...Array.from({ length: Math.max(0, missing) }, () => '0')].slice(0, 4).join(':');
}
