import { NETWORKS_OF_A_REPORT, USES_OF_A_REPORT, type ApiKeyUsageReport } from '@countersign/auth-core';

const pagesOf = <Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, page) => items.slice(page * size, (page + 1) * size));

/** The fewest reports with the same content: uses of the same key, hour, class and outcome are added up. */
export function mergedReports(reports: readonly ApiKeyUsageReport[]): readonly ApiKeyUsageReport[] {
  const uses = new Map<string, ApiKeyUsageReport['uses'][number]>();
  const networks = new Map<string, ApiKeyUsageReport['networks'][number]>();
  for (const report of reports) {
    for (const use of report.uses) {
      const name = `${use.api_key_id} ${use.hour} ${use.route_class} ${use.outcome}`;
      const known = uses.get(name);
      const last = [use.last_at, known?.last_at].filter((time) => time !== undefined).sort();
      uses.set(name, { ...use, count: use.count + (known?.count ?? 0), last_at: last.at(-1) });
    }
    for (const seen of report.networks) networks.set(`${seen.api_key_id} ${seen.network}`, seen);
  }
  const pagesOfUses = pagesOf([...uses.values()], USES_OF_A_REPORT);
  const pagesOfNetworks = pagesOf([...networks.values()], NETWORKS_OF_A_REPORT);
  return Array.from({ length: Math.max(pagesOfUses.length, pagesOfNetworks.length) }, (_, page) => ({
    uses: pagesOfUses[page] ?? [],
    networks: pagesOfNetworks[page] ?? [],
  }));
}
