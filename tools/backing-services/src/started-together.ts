interface Started {
  stop(): Promise<unknown>;
}

/**
 * Waits for two that are being started side by side. When one fails, the other is stopped first, so that nothing is left running.
 * @throws the error of the one that failed; of the first, when both did
 */
export async function startedTogether<One extends Started, Other extends Started>(
  starting: readonly [Promise<One>, Promise<Other>],
): Promise<readonly [One, Other]> {
  const ends = await Promise.allSettled(starting);
  if (ends.some(({ status }) => status === 'rejected'))
    await Promise.allSettled(ends.map((end) => (end.status === 'fulfilled' ? end.value.stop() : undefined)));
  return Promise.all(starting);
}
