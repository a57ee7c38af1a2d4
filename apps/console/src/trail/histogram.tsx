import { useRef, useState } from 'react';
import { lengthText, localText } from '../ui/time-text.js';
import styles from './histogram.module.css';
import { type Summary } from './summary.js';

interface HistogramProps {
  readonly summary: Summary;
  readonly onRange: (from: string, to: string) => void;
}

const HEIGHT = 56;

/** The start or end of the time; on a phone the day is enough. */
function Edge({ at }: { readonly at: string }) {
  const text = localText(new Date(at));
  return (
    <span>
      {text.slice(0, 10)} <span className={styles.clock}>{text.slice(11, 16)}</span>
    </span>
  );
}

/** Events over time. Drag over it, or use the arrow keys and Enter, to choose a time. */
export function Histogram({ summary, onRange }: HistogramProps) {
  const { buckets, from, to, events, exact } = summary;
  const place = useRef<SVGSVGElement>(null);
  const [brush, setBrush] = useState<{ readonly at: number; readonly to: number } | undefined>(undefined);
  const [cursor, setCursor] = useState<number | undefined>(undefined);
  const start = Date.parse(from);
  const width = (Date.parse(to) - start) / buckets.length;
  const most = Math.max(1, ...buckets.map(({ allowed, denied, failed }) => allowed + denied + failed));
  const timeAt = (bucket: number): string => new Date(start + bucket * width).toISOString();
  const choose = (a: number, b: number): void => {
    onRange(timeAt(Math.min(a, b)), timeAt(Math.max(a, b) + 1));
  };
  const bucketAt = (clientX: number): number => {
    const box = place.current?.getBoundingClientRect();
    if (box === undefined) return 0;
    return Math.max(0, Math.min(buckets.length - 1, Math.floor(((clientX - box.left) / box.width) * buckets.length)));
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const next = Math.max(0, Math.min(buckets.length - 1, (cursor ?? (step > 0 ? -1 : buckets.length)) + step));
      setCursor(next);
      if (event.shiftKey) setBrush({ at: brush?.at ?? cursor ?? next, to: next });
      else setBrush(undefined);
    }
    if (event.key === 'Enter' && cursor !== undefined) {
      choose(brush?.at ?? cursor, brush?.to ?? cursor);
      setBrush(undefined);
    }
  };
  const shown = cursor === undefined ? undefined : buckets[cursor];
  return (
    <figure className={styles.figure}>
      <svg
        ref={place}
        className={styles.bars}
        viewBox={`0 0 ${String(buckets.length)} ${String(HEIGHT)}`}
        preserveAspectRatio="none"
        role="slider"
        tabIndex={0}
        aria-label="Events over time. Arrow keys move, Shift extends, Enter selects the period."
        aria-valuemin={0}
        aria-valuemax={buckets.length - 1}
        aria-valuenow={cursor ?? 0}
        aria-valuetext={
          shown === undefined
            ? 'nothing chosen'
            : `${localText(new Date(shown.from))}: ${String(shown.allowed)} allowed, ${String(shown.denied)} denied, ${String(shown.failed)} failed`
        }
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          const at = bucketAt(event.clientX);
          setBrush({ at, to: at });
        }}
        onPointerMove={(event) => {
          const at = bucketAt(event.clientX);
          setCursor(at);
          if (brush !== undefined && event.buttons > 0) setBrush({ ...brush, to: at });
        }}
        onPointerUp={() => {
          if (brush !== undefined) choose(brush.at, brush.to);
          setBrush(undefined);
        }}
      >
        {brush !== undefined && (
          <rect
            className={styles.brush}
            x={Math.min(brush.at, brush.to)}
            width={Math.abs(brush.to - brush.at) + 1}
            height={HEIGHT}
          />
        )}
        {buckets.map(({ from: key, allowed, denied, failed }, index) => {
          const total = allowed + denied + failed;
          if (total === 0) return null;
          // One event among thousands stays visible.
          const high = (count: number): number => (count === 0 ? 0 : Math.max(2, (count / most) * (HEIGHT - 2)));
          const [good, bad, worse] = [high(allowed), high(denied), high(failed)];
          return (
            <g key={key}>
              <rect className={styles.allowed} x={index + 0.1} width={0.8} y={HEIGHT - good} height={good} />
              <rect className={styles.denied} x={index + 0.1} width={0.8} y={HEIGHT - good - bad} height={bad} />
              <rect
                className={styles.failed}
                x={index + 0.1}
                width={0.8}
                y={HEIGHT - good - bad - worse}
                height={worse}
              />
            </g>
          );
        })}
      </svg>
      <figcaption className={styles.caption}>
        <Edge at={from} />
        <span>
          {exact ? '' : 'about '}
          <strong>{events.toLocaleString('en')}</strong> {events === 1 ? 'event' : 'events'} in{' '}
          {lengthText(Date.parse(to) - start)}
        </span>
        <Edge at={to} />
      </figcaption>
    </figure>
  );
}
