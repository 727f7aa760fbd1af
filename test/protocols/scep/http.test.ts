/** The ways in which messages arrive over HTTP, and those in which they do not. */
import { createHash } from 'node:crypto'
import { request } from 'node:http'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { parsePkiMessage } from '../../../src/formats/scep-message.ts'
import { subjectPublicKeyInfoOf } from '../../../src/phone/keys.ts'
import { maxPkiMessageBytes } from '../../../src/protocols/scep/pki-operation.ts'
import { counted, csrOf, messageTo, selfSigned, stoppedPhone } from '../../support/scep.ts'
import { phoneKeys } from '../../support/kept.ts'
import { openWorld, type World } from '../../support/world.ts'

const key = phoneKeys.identity

type Sent = { method?: string, headers?: Record<string, string>, body?: Buffer, chunked?: boolean }

/** A request as it stands: nothing is escaped, added or followed. */
function send(url: string, path: string, { method = 'GET', headers = {}, body, chunked = false }: Sent = {}): Promise<{ status: number, type: string, body: Buffer }> {
  return new Promise((resolve, reject) => {
    const length: Record<string, number> = body === undefined || chunked ? {} : { 'content-length': body.length }
    const message = request(url, { path, method, headers: { ...headers, ...length }, agent: false }, answer => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => { resolve({ status: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', body: Buffer.concat(chunks) }) })
    })
    message.on('error', reject)
    message.end(body)
  })
}

const statusOf = ({ body }: { body: Buffer }): string | undefined => parsePkiMessage(body).pkiStatus

/** A message that a certificate would be issued for, with + and / in its base64. */
async function goodMessage(t: ExecutionContext): Promise<{ world: World, message: Buffer, path: string }> {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  const message = await messageTo(door, await selfSigned(key), await csrOf(key, challenge))
  return { world, message, path: `${new URL(door).pathname}?operation=PKIOperation` }
}

test('a message arrives by GET, however much of its base64 is escaped', async t => {
  const { world, message, path } = await goodMessage(t)
  const base64 = message.toString('base64')
  t.regex(base64, /\+.*\/|\/.*\+/)
  for (const written of [
    encodeURIComponent(base64), base64.replaceAll('=', '%3D'), base64, base64.replaceAll('+', '%2b').replaceAll('/', '%2f'),
    base64.replaceAll('+', '%20'), base64.replace(/(.{64})/g, '$1%0A'), base64.replace(/=+$/, ''),
  ]) {
    const answer = await send(world.url, `${path}&message=${written}`)
    t.is(answer.type, 'application/x-pki-message')
    t.is(statusOf(answer), '0')
  }
  t.is(await counted(world, 'device'), 1)
})

test('a message arrives by POST with any content type or none, at once or in pieces, whatever follows the name of the door', async t => {
  const { world, message: body, path } = await goodMessage(t)
  for (const headers of [{}, { 'content-type': 'application/x-pki-message' }, { 'content-type': 'application/octet-stream' }, { 'content-type': 'text/html; charset=utf-16' }]) {
    for (const chunked of [false, true]) t.is(statusOf(await send(world.url, path, { method: 'POST', headers, body, chunked })), '0')
  }
  for (const end of ['/', '/pkiclient.exe', '/cgi-bin/pkiclient.exe']) {
    t.is(statusOf(await send(world.url, path.replace('?', `${end}?`), { method: 'POST', body })), '0', end)
  }
})

test('what is no message is refused over HTTP, with a code and without a certificate', async t => {
  const { world, message, path } = await goodMessage(t)
  const base64 = encodeURIComponent(message.toString('base64'))
  const door = path.split('?')[0]!
  const refused = async (status: number, pathAndQuery: string, sent: Sent = {}) => {
    const answer = await send(world.url, pathAndQuery, sent)
    t.is(answer.status, status, `${sent.method ?? 'GET'} ${pathAndQuery.slice(0, 80)}`)
    t.is(answer.type, 'application/problem+json')
  }
  await refused(400, door)
  for (const operation of ['', 'pkioperation', 'GetNextCACert', 'GetCRL', 'GetCACaps%00', 'constructor']) await refused(400, `${door}?operation=${operation}`)
  await refused(400, `${path}&operation=PKIOperation&message=${base64}`)
  await refused(400, `${path}&message=${base64}&message=${base64}`)
  await refused(400, `${door}?operation=GetCACaps&operation=GetCACaps`)
  await refused(400, `${door}?operation[]=GetCACaps`)
  for (const nothing of ['', '&message=', '&message=%', '&message=*', '&message=====', '&message=AA=A', '&message=AAAA', '&message=%E4%F6']) await refused(400, `${path}${nothing}`)
  await refused(400, path, { method: 'POST', body: Buffer.alloc(0) })
  await refused(400, path, { method: 'POST', body: Buffer.alloc(maxPkiMessageBytes, 0x30) })
  await refused(413, path, { method: 'POST', body: Buffer.alloc(maxPkiMessageBytes + 1, 0x30) })
  await refused(413, path, { method: 'POST', body: Buffer.alloc(maxPkiMessageBytes + 1, 0x30), chunked: true })
  await refused(415, path, { method: 'POST', body: message, headers: { 'content-encoding': 'gzip' } })
  for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS']) await refused(405, path, { method, body: message })
  for (const operation of ['GetCACaps', 'GetCACert']) {
    for (const method of ['POST', 'PUT', 'DELETE']) await refused(405, `${door}?operation=${operation}`, { method })
  }
  t.is(await counted(world, 'device'), 0)
  t.is(await counted(world, 'device', 'pending'), 0)
})

test('HEAD is answered as GET is, without a body, and never issues', async t => {
  const { world, message, path } = await goodMessage(t)
  const door = path.split('?')[0]!
  for (const operation of ['GetCACaps', 'GetCACert']) {
    const answer = await send(world.url, `${door}?operation=${operation}`, { method: 'HEAD' })
    t.is(answer.status, 200)
    t.is(answer.body.length, 0)
  }
  t.is((await send(world.url, `${path}&message=${encodeURIComponent(message.toString('base64'))}`, { method: 'HEAD' })).status, 405)
  t.is(await counted(world, 'device'), 0)
})

test('an address longer than any message makes is refused before it is read', async t => {
  const { world, path } = await goodMessage(t)
  t.is((await send(world.url, `${path}&message=${'A'.repeat(20_000)}`)).status, 431)
})

test('messages that are cut off or have a byte changed are refused, unless nothing depends on the byte', async t => {
  const { world, message, path } = await goodMessage(t)
  const outcomes = new Set<string>()
  const sent = async (body: Buffer) => {
    const answer = await send(world.url, path, { method: 'POST', body })
    outcomes.add(answer.type === 'application/x-pki-message' ? parsePkiMessage(answer.body).failInfo ?? 'issued' : String(answer.status))
  }
  for (let at = 0; at < message.length; at += 37) await sent(message.subarray(0, at))
  t.deepEqual([...outcomes], ['400'])
  for (let at = 0; at < message.length; at += 37) {
    const changed = Buffer.from(message)
    changed[at]! ^= 0x41
    await sent(changed)
  }
  // The certificate that a phone makes itself to sign with is not signed by anybody who matters.
  t.deepEqual([...outcomes].sort(), ['0', '1', '400', 'issued'])
  const rows = await world.service.db.query<{ public_key_sha256: Buffer }>("select public_key_sha256 from certificates where kind = 'device'")
  t.deepEqual(rows.map(row => row.public_key_sha256), [createHash('sha256').update(subjectPublicKeyInfoOf(key)).digest()])
})
