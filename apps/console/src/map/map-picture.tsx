import { useMemo } from 'react';
import { partsOf } from '../ui/visible-text.js';
import { NODE, pictureOf, type Calls, type Edge } from './call-map.js';
import styles from './map.module.css';

const NAME_LIMIT = 20;

/** A name as SVG text: no markup, nothing invisible, no longer than its box. */
function shown(name: string): string {
  if (name === '') return 'unverified callers';
  const text = partsOf(name)
    .map((part) => (part.kind === 'text' ? part.text : part.symbol))
    .join('');
  const characters = [...text];
  return characters.length > NAME_LIMIT ? `${characters.slice(0, NAME_LIMIT - 1).join('')}…` : text;
}

function toneOf({ refused }: Edge): string {
  return refused >= 0.25 ? 'denied' : refused >= 0.02 ? 'some' : 'fine';
}

interface MapPictureProps {
  readonly calls: readonly Calls[];
  /** Shows the events of a pair. */
  readonly open: (calls: Calls) => void;
}

/** The map as a picture, for the mouse; the table next to it shows the same to everybody. */
export function MapPicture({ calls, open }: MapPictureProps) {
  const { width, height, nodes, edges } = useMemo(() => pictureOf(calls), [calls]);
  return (
    <div className={styles.picture} role="group" aria-label="The map as a picture" tabIndex={0}>
      <svg viewBox={`0 0 ${String(width)} ${String(height)}`} width={width} height={height} aria-hidden="true">
        {edges.map((edge) => (
          <path
            key={`${edge.calls.caller ?? ''}\n${edge.calls.callee}`}
            d={edge.path}
            className={styles.edge}
            data-tone={toneOf(edge)}
            data-pair={`${edge.calls.caller ?? ''}>${edge.calls.callee}`}
            strokeWidth={edge.width}
            onClick={() => {
              open(edge.calls);
            }}
          />
        ))}
        {nodes.map(({ name, x, y, isService, volume }) => (
          <g key={name} className={styles.node} data-service={isService}>
            <rect x={x} y={y} width={NODE.width} height={NODE.height} rx="6" />
            <text x={x + NODE.width / 2} y={y + 17} className={styles.name}>
              {shown(name)}
            </text>
            <text x={x + NODE.width / 2} y={y + 32} className={styles.volume}>
              {volume.toLocaleString('en')}
            </text>
          </g>
        ))}
      </svg>
    </div>
  );
}
