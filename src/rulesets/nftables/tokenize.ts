/**
 * Splits nft's text into words, quoted texts and the marks `{ } , ; @ :`. Names of chains and sets may hold nearly anything
 * but blanks (`endpoint-…/tcp/__10.0.0.1/80`), so a colon is a mark only where it stands alone, as nft prints it.
 */
export type Token = {
  readonly kind: 'word' | 'quoted' | 'mark' | 'newline'
  readonly text: string
  /** Where it begins and ends in the text. */
  readonly from: number
  readonly to: number
}

const TOKEN = /"(?<quoted>[^"\n]*)"|(?<mark>[{},;]|:(?=\s))|(?<newline>\n)|(?<word>[^\s{},;"]+)|[^\S\n]+|(?<bad>.)/gy

export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  for (const match of text.matchAll(TOKEN)) {
    const { quoted, mark, newline, word, bad } = match.groups ?? {}
    const place = { from: match.index, to: match.index + match[0].length }
    if (quoted !== undefined) tokens.push({ kind: 'quoted', text: quoted, ...place })
    else if (mark !== undefined) tokens.push({ kind: 'mark', text: mark, ...place })
    else if (newline !== undefined) tokens.push({ kind: 'newline', text: '\n', ...place })
    else if (word !== undefined || bad !== undefined) tokens.push({ kind: 'word', text: word ?? bad ?? '', ...place })
  }
  return tokens
}
