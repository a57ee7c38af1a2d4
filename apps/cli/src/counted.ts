/** A number with its noun: `1 payment`, `2 payments`. @param many the plural, where it is not the noun with an s */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${String(count)} ${count === 1 ? one : many}`;
}
