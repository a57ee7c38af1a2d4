import { Untrusted } from '../ui/untrusted.js';
import { changesOf, isMasked, valueText } from './changes.js';
import styles from './event.module.css';

function Value({ value }: { readonly value: unknown }) {
  if (isMasked(value)) return <em className={styles.masked}>masked</em>;
  return <Untrusted text={valueText(value)} />;
}

/** An event's changes: before and after side by side. */
export function ChangesView({ changes }: { readonly changes: Readonly<Record<string, unknown>> | undefined }) {
  const list = changesOf(changes ?? {});
  if (list.length === 0) return <p>This event does not say what changed.</p>;
  return (
    <table className={styles.changes}>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {list.map((change) => (
          <tr key={change.path}>
            <th scope="row">
              <Untrusted text={change.path} limit={80} />
            </th>
            {change.kind === 'said' ? (
              <>
                <td>–</td>
                <td>
                  <Value value={change.value} />
                </td>
              </>
            ) : (
              <>
                <td>
                  <del>
                    <Value value={change.before} />
                  </del>
                </td>
                <td>
                  <ins>
                    <Value value={change.after} />
                  </ins>
                </td>
              </>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
