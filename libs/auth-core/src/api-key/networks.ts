import type * as net from 'node:net';
import { type ApiKeyIdentity } from '../principal.js';

/** An IPv4 address as a dual-stack socket writes it. */
const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

function listOf(networks: readonly string[], { BlockList, isIP }: typeof net): net.BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const version = isIP(address);
    const prefix = Number(bits);
    // An entry that cannot be parsed allows nothing.
    if (version === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > (version === 4 ? 32 : 128)) continue;
    list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** The networks from which keys may be used. */
export class KeyNetworks {
  readonly #lists = new WeakMap<ApiKeyIdentity, net.BlockList>();
  /** Loaded for the first key, so that a service without keys starts sooner. */
  #net: typeof net | undefined;

  /** Await this before {@link allow} for a key that names networks. */
  async load(): Promise<void> {
    this.#net ??= await import('node:net');
  }

  /**
   * Whether a key may be used from an address: from any if it names no networks; if it does, never from an unknown address.
   * @param address of the caller, as the service knows it
   */
  allow(key: ApiKeyIdentity, address: string | undefined): boolean {
    if (key.networks.length === 0) return true;
    if (address === undefined || this.#net === undefined) return false;
    const plain = mapped.exec(address)?.[1] ?? address.replace(/%.*$/, '');
    const version = this.#net.isIP(plain);
    const list = this.#lists.get(key) ?? listOf(key.networks, this.#net);
    this.#lists.set(key, list);
    return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
  }
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
