import * as z from 'zod/mini';

const count = z.pipe(z.string().check(z.regex(/^[0-9]{1,19}$/)), z.transform(Number));
const callsSchema = z.object({
  /** Absent if no caller could be verified. */
  caller: z.nullable(z.string()),
  callee: z.string(),
  allowed: count,
  denied: count,
  failed: count,
  times: z.nullable(z.object({ transactions: z.number(), median_ms: z.number(), p95_ms: z.number() })),
});
export type Calls = z.infer<typeof callsSchema>;

export const callMapSchema = z.object({
  from: z.string(),
  to: z.string(),
  calls: z.array(callsSchema),
  left_out: z.number(),
  timed_events: z.number(),
});
export type CallMap = z.infer<typeof callMapSchema>;

export const volumeOf = ({ allowed, denied, failed }: Calls): number => allowed + denied + failed;

/** A caller or a service, with its position in the picture. */
export interface Node {
  /** Empty for unverified callers. */
  readonly name: string;
  readonly isService: boolean;
  readonly x: number;
  readonly y: number;
  readonly volume: number;
}

export interface Edge {
  readonly calls: Calls;
  /** An SVG path. */
  readonly path: string;
  readonly width: number;
  /** 0 to 1. */
  readonly refused: number;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
}

export const NODE = { width: 170, height: 40 } as const;
const GAP = { row: 64 } as const;
/** Pixels from one column to the next; with few columns they share the page's width. */
const COLUMN = { least: 290, most: 480, page: 1_160 } as const;
const MARGIN = 16;

/** Columns of services: each is to the right of the services that call it; a cycle is broken where it is first encountered. */
function columnsOf(calls: readonly Calls[]): ReadonlyMap<string, number> {
  const services = [...new Set(calls.map(({ callee }) => callee))];
  const callersOf = (service: string): string[] =>
    calls.flatMap(({ caller, callee }) =>
      callee === service && caller !== null && caller !== service && services.includes(caller) ? [caller] : [],
    );
  const columns = new Map<string, number>();
  const columnOf = (service: string, path: readonly string[]): number => {
    const known = columns.get(service);
    if (known !== undefined) return known;
    const above = callersOf(service).filter((caller) => !path.includes(caller));
    const column = 1 + Math.max(0, ...above.map((caller) => columnOf(caller, [...path, service])));
    columns.set(service, column);
    return column;
  };
  for (const service of services) columnOf(service, []);
  return columns;
}

/** The layout: callers on the left, services to the right of those that call them, the busiest on top. */
export function pictureOf(calls: readonly Calls[]): Picture {
  const columns = columnsOf(calls);
  const last = Math.max(1, ...columns.values());
  const { least, most: widest, page } = COLUMN;
  const gap = Math.max(least, Math.min(widest, Math.floor((page - NODE.width) / last)));
  const volumes = new Map<string, number>();
  for (const one of calls) {
    for (const name of new Set([one.caller ?? '', one.callee]))
      volumes.set(name, (volumes.get(name) ?? 0) + volumeOf(one));
  }
  const rows = new Map<number, number>();
  const nodes = [...volumes]
    .sort(([, one], [, other]) => other - one)
    .map(([name, volume]): Node => {
      const column = columns.get(name) ?? 0;
      const row = rows.get(column) ?? 0;
      rows.set(column, row + 1);
      const [x, y] = [MARGIN + column * gap, MARGIN + row * GAP.row];
      return { name, isService: columns.has(name), x, y, volume };
    });
  const placeOf = new Map(nodes.map((node) => [node.name, node]));
  const most = Math.max(1, ...calls.map(volumeOf));
  const edges = calls.flatMap((one): Edge[] => {
    const [from, to] = [placeOf.get(one.caller ?? ''), placeOf.get(one.callee)];
    const volume = volumeOf(one);
    if (from === undefined || to === undefined || volume === 0) return [];
    const width = 1.5 + 10.5 * (Math.log1p(volume) / Math.log1p(most));
    return [{ calls: one, path: pathBetween(from, to), width, refused: one.denied / volume }];
  });
  const width = MARGIN * 2 + NODE.width + last * gap;
  const height = MARGIN * 2 + Math.max(1, ...rows.values()) * GAP.row;
  return { width, height, nodes, edges };
}

function pathBetween(from: Node, to: Node): string {
  const [x1, y1] = [from.x + NODE.width, from.y + NODE.height / 2];
  const [x2, y2] = [to.x, to.y + NODE.height / 2];
  // Backwards, or to itself: routed below.
  if (x2 <= x1) {
    const below = Math.max(y1, y2) + GAP.row / 2;
    return `M${String(x1)},${String(y1)} C${String(x1 + 60)},${String(below)} ${String(x2 - 60)},${String(below)} ${String(x2)},${String(y2)}`;
  }
  const bend = (x2 - x1) / 2;
  return `M${String(x1)},${String(y1)} C${String(x1 + bend)},${String(y1)} ${String(x2 - bend)},${String(y2)} ${String(x2)},${String(y2)}`;
}
