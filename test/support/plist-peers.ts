/** Property lists as programs that are not ours read them. */
import { type PlistValue, isDictionary } from '../../src/formats/plist.ts'
import { run } from './programs.ts'

const script = `
import datetime, json, plistlib, sys
def plain(v):
    if isinstance(v, bytes): return {'data': v.hex()}
    if isinstance(v, datetime.datetime): return {'date': v.strftime('%Y-%m-%dT%H:%M:%SZ')}
    if isinstance(v, bool): return v
    if isinstance(v, int): return {'integer': str(v)}
    if isinstance(v, list): return [plain(i) for i in v]
    if isinstance(v, dict): return {'dict': [[k, plain(i)] for k, i in v.items()]}
    return v
json.dump(plain(plistlib.loads(sys.stdin.buffer.read(), fmt=plistlib.FMT_XML)), sys.stdout)
`

/** What Python's plistlib makes of it, in the form `plain` gives to ours. */
export async function readWithPlistlib(xml: Buffer): Promise<unknown> {
  const { status, stdout, text } = await run('python3', ['-c', script], xml)
  if (status !== 0) throw new Error(text)
  return JSON.parse(stdout.toString())
}

/** The value with its types spelt out, so that two readers can be compared. */
export function plain(value: PlistValue): unknown {
  if (Buffer.isBuffer(value)) return { data: value.toString('hex') }
  if (value instanceof Date) return { date: `${value.toISOString().slice(0, 19)}Z` }
  if (Array.isArray(value)) return value.map(plain)
  if (isDictionary(value)) return { dict: Object.entries(value).map(([key, item]) => [key, plain(item)]) }
  if (typeof value === 'bigint' || Number.isInteger(value)) return { integer: String(value) }
  return value
}

/** Empty when xmllint finds the document well-formed; otherwise what it says. */
export async function xmllintComplaints(xml: Buffer): Promise<string> {
  // The DTD lies on Apple's server: validating against it would be a network access.
  return (await run('xmllint', ['--noout', '--nonet', '-'], xml)).text
}
