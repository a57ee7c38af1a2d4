/** A number with its noun: `1 payment`, `2 payments`. @param many the plural, if it is not the noun plus s */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${String(count)} ${count === 1 ? one : many}`;
}
