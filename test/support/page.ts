/** A page that comes in parts, as somebody who asked for it has it in the end. */
export async function wholePage(parts: AsyncIterable<string>): Promise<string> {
  let page = ''
  for await (const part of parts) page += part
  return page
}
