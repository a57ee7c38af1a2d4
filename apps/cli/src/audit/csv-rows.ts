/** The rows of CSV (RFC 4180), however its text is split. @returns undefined for a row that is not well-formed */
export async function* csvRows(chunks: AsyncIterable<string>): AsyncGenerator<readonly string[] | undefined> {
  let row: string[] = [];
  let cell = '';
  let state: 'begin' | 'plain' | 'quoted' | 'quote' | 'bad' = 'begin';
  const endCell = (): void => {
    row.push(cell);
    cell = '';
    state = 'begin';
  };
  const endRow = (): readonly string[] | undefined => {
    const wrong = state === 'bad' || state === 'quoted';
    endCell();
    const ended = row;
    row = [];
    return wrong ? undefined : ended;
  };
  for await (const chunk of chunks) {
    for (const character of chunk) {
      if (state === 'quoted') {
        if (character === '"') state = 'quote';
        else cell += character;
      } else if (character === ',') endCell();
      else if (character === '\n') yield endRow();
      else if (character === '"' && state === 'begin') state = 'quoted';
      else if (character === '"' && state === 'quote') {
        cell += '"';
        state = 'quoted';
      } else if (character !== '\r') {
        if (state === 'quote') state = 'bad';
        else if (state === 'begin') state = 'plain';
        cell += character;
      }
    }
  }
  if (cell !== '' || row.length > 0 || state !== 'begin') yield endRow();
}
