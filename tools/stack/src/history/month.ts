import { seededRandom, type Random } from '../random.js';
import { castOf, type Cast } from './cast.js';
import { Story, type Happening } from './happening.js';
import { incidents } from './incidents.js';
import { everyday } from './stories.js';

export interface HistoryOptions {
  /** About how many events; incidents come on top of few. */
  readonly events: number;
  readonly days: number;
  /** When it ends. */
  readonly until: Date;
  readonly seed: number;
}

const HOUR = 3_600_000;
/** How busy the hours of a day are, midnight (UTC) first. */
const dayShape = [2, 1, 1, 1, 1, 2, 4, 9, 14, 17, 18, 19, 21, 18, 16, 16, 17, 19, 21, 18, 13, 9, 6, 3] as const;
/** How busy the days of a week are, Sunday first. */
const weekShape = [0.45, 1, 1.05, 1, 1.1, 1.25, 0.7] as const;

/** How busy an hour is, against others. */
export function busyness(at: number): number {
  const time = new Date(at);
  return (dayShape[time.getUTCHours()] ?? 1) * (weekShape[time.getUTCDay()] ?? 1);
}

function tellOne(random: Random, cast: Cast, at: number): Story {
  const story = new Story(random, at);
  const total = everyday.reduce((sum, [weight]) => sum + weight, 0);
  let chosen = random() * total;
  for (const [weight, tell] of everyday) {
    chosen -= weight;
    if (chosen > 0) continue;
    tell(story, cast);
    break;
  }
  return story;
}

/** Everything that happened, an hour at a time, each in the order of its time. The same options give the same history, to the last byte. */
export function* historyOf({ events, days, until, seed }: HistoryOptions): Generator<readonly Happening[]> {
  const random = seededRandom(seed);
  const cast = castOf(random);
  const end = Math.floor(until.getTime());
  const begin = end - days * 24 * HOUR;
  const hours = Array.from({ length: days * 24 }, (_, hour) => begin + hour * HOUR);
  const extraordinary = incidents.map(({ when, tell }) => {
    const story = new Story(random, begin + Math.floor((end - begin) * when));
    tell(story, cast);
    return story.happenings;
  });
  const ordinary = Math.max(0, events - extraordinary.flat().length);
  const whole = hours.reduce((sum, hour) => sum + busyness(hour), 0);
  const waiting: Happening[] = extraordinary.flat();
  let [due, count] = [0, 0];
  for (const hour of hours) {
    due += (ordinary * busyness(hour)) / whole;
    while (count < due) {
      // No story reaches beyond the history's end.
      const latest = Math.max(1, Math.min(HOUR, end - hour - 60_000));
      const { happenings } = tellOne(random, cast, hour + Math.floor(random() * latest));
      count += happenings.length;
      waiting.push(...happenings);
    }
    waiting.sort((one, other) => one.at - other.at);
    const next = waiting.findIndex(({ at }) => at >= hour + HOUR);
    yield waiting.splice(0, next === -1 ? waiting.length : next);
  }
  yield waiting;
}
