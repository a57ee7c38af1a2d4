import { type LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';

/** The addresses that a name resolves to now. @throws when there are none, or no server answers */
export type NameLookup = (hostname: string) => Promise<readonly LookupAddress[]>;

/** Milliseconds until a name server is asked again, and how often it is asked. */
const QUERY = { timeout: 1_500, tries: 2 } as const;

/**
 * Asks the name servers, each name independently. The system's own lookup has four threads for the whole process: four names whose
 * servers do not respond would delay every other endpoint.
 * @param servers addresses with ports; the system's own by default
 */
export function askNameServers(servers?: readonly string[]): NameLookup {
  const resolver = new Resolver(QUERY);
  if (servers !== undefined) resolver.setServers(servers);
  return async (hostname) => {
    const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const found = [
      ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
      ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
    ];
    if (found.length === 0 && four.status === 'rejected') throw four.reason;
    return found;
  };
}

/** Asks as the system does, with its hosts file: for local stacks. */
export const askSystem: NameLookup = (hostname) => lookup(hostname, { all: true });
