import styles from './access.module.css';

const signs: Readonly<Record<string, string>> = {
  disabled: '⊘',
  revoked: '⊘',
  removed: '–',
  expired: '–',
  rotated: '↻',
  pending: '…',
  retired: '↻',
};

/** Whether something works. The sign says it too, for those to whom colour tells nothing. */
export function Status({ status }: { readonly status: string }) {
  const refused = status === 'disabled' || status === 'revoked';
  return (
    <span className={refused ? styles.off : styles.on}>
      <span aria-hidden="true">{signs[status] ?? '✓'}</span> {status}
    </span>
  );
}
