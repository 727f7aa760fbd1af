import { CaError } from '../../errors.ts'

export const maxExportBytes = 32 * 1024 * 1024

/** The text of a file that PowerShell wrote: UTF-8 or UTF-16, with a mark at the beginning or without. */
export function decodeExport(bytes: Uint8Array): string {
  if (bytes.length > maxExportBytes) throw new CaError('malformed-exchange-export', `the file is larger than ${maxExportBytes / 1024 / 1024} MB`)
  try {
    return new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new CaError('malformed-exchange-export', 'the file is text of no kind that PowerShell writes (UTF-8 or UTF-16)', { cause })
  }
}

function encodingOf([first, second]: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  // What begins with a sign of ASCII beside a zero can be nothing else.
  if (first !== 0 && second === 0) return 'utf-16le'
  return first === 0 && second !== 0 ? 'utf-16be' : 'utf-8'
}
