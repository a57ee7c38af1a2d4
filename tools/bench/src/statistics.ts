/** The middle value, or the mean of the middle two. @throws {RangeError} when there is none */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/**
 * A percentile, interpolated between neighbours.
 * @param share 0 to 1
 * @throws {RangeError} when there is no value, or the share is outside its range
 */
export function percentile(values: readonly number[], share: number): number {
  if (!(share >= 0 && share <= 1)) throw new RangeError('share is 0 to 1');
  const sorted = [...values].sort((one, other) => one - other);
  const place = share * (sorted.length - 1);
  const low = sorted[Math.floor(place)];
  const high = sorted[Math.ceil(place)];
  if (low === undefined || high === undefined) throw new RangeError('no values');
  return low + (high - low) * (place - Math.floor(place));
}
