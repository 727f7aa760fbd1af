/** A service as an agent sees it: a feed, lists signed with a CA of its own, and ways to lie. */
import { createHash, randomBytes, type KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import { signCrl } from '../../src/formats/crl.ts'
import { authorityKeyIdentifier, crlNumber, issuingDistributionPoint, type Extension } from '../../src/formats/extensions.ts'
import { toCrlNumber } from '../../src/formats/list-number.ts'
import { readSignedRequest, verifySignedRequest } from '../../src/formats/http-signature.ts'
import { toPem } from '../../src/formats/pem.ts'
import { issueTestCertificate, newAuthority, newSigner, testSerialNumber, type TestAuthority } from './signers.ts'

export type ListOptions = {
  number?: number, thisUpdate?: Date, nextUpdate?: Date, change?: number, signer?: TestAuthority, issuer?: TestAuthority, extensions?: Extension[], serialNumbers?: string[]
}

export type Revoked = { authority: string, partition: number, serialNumber: string, change: number, hold: boolean }
type Published = { der: Buffer, number: number, change: number, sha256: string }

const day = 86_400_000

export class FeedServer {
  readonly root: TestAuthority
  readonly issuing: TestAuthority
  readonly partitions: number
  readonly now: () => Date
  /** Requests and their answers, oldest first. */
  readonly asked: string[] = []
  readonly posted: { path: string, body: unknown }[] = []
  policy = { maxAgeSeconds: 900, whenStale: 'refuse' }
  change = 0
  revoked = new Map<string, Revoked>()
  /** Served by path; a test may put anything here. */
  readonly files = new Map<string, Buffer>()
  /** Answers the feed and its state with 503. */
  down = false
  streams = true
  reset = false
  agentKey: KeyObject | undefined
  #lists = new Map<string, Published>()
  #number = 0
  #lastUpdate = 0
  #open = new Set<ServerResponse>()
  origin = ''
  close: () => Promise<void> = async () => {}

  private constructor(root: TestAuthority, issuing: TestAuthority, partitions: number, now: () => Date) {
    this.root = root
    this.issuing = issuing
    this.partitions = partitions
    this.now = now
  }

  static async start(t: ExecutionContext<any>, { partitions = 2, now = () => new Date() } = {}): Promise<FeedServer> {
    const root = await newAuthority('Test Root', undefined, 'P-384')
    const server = new FeedServer(root, await newAuthority('Test Issuing', root), partitions, now)
    await server.publish()
    await server.listen(t)
    return server
  }

  async listen(t: ExecutionContext<any>, port = 0): Promise<void> {
    const server = createServer((request, response) => { this.#answer(request, response) })
    await new Promise<void>(resolve => { server.listen(port, '127.0.0.1', resolve) })
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    let closed: Promise<void> | undefined
    this.close = () => closed ??= new Promise<void>(resolve => {
      server.close(() => { resolve() })
      server.closeAllConnections()
    })
    t.teardown(async () => { await this.close() })
  }

  get trust(): object {
    return {
      root: toPem('CERTIFICATE', this.root.certificate), crlUrls: { root: '/crl/root.crl' },
      issuing: [{ name: 'issuing', certificate: toPem('CERTIFICATE', this.issuing.certificate), partitions: this.partitions }],
    }
  }

  /** SHA-256 of the root, as it is pinned. */
  get pin(): string {
    return createHash('sha256').update(this.root.certificate).digest('hex')
  }

  partitionOf(serialNumber: string): number {
    return Number.parseInt(serialNumber.slice(-4), 16) % this.partitions
  }

  /** A certificate of the issuing CA for a phone. */
  async issue(name: string = randomBytes(8).toString('hex'), other: { subject?: Buffer, notAfter?: Date } = {}): Promise<{ serialNumber: string, pem: string, privateKeyPem: string }> {
    const [serialNumber, signer] = [testSerialNumber(name), newSigner()]
    const partition = this.partitionOf(serialNumber)
    const { crlDistributionPoints, extendedKeyUsage } = await import('../../src/formats/extensions.ts')
    const der = await issueTestCertificate(this.issuing, serialNumber, signer, [
      crlDistributionPoints([this.#address(partition)]), extendedKeyUsage('1.3.6.1.5.5.7.3.2'),
    ], other)
    return {
      serialNumber, pem: toPem('CERTIFICATE', der) + toPem('CERTIFICATE', this.issuing.certificate),
      privateKeyPem: signer.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    }
  }

  #address(partition: number): string {
    return `http://pki.example/crl/issuing/${partition}.crl`
  }

  /** Commits a revocation and, unless told otherwise, says so in the feed. */
  revoke(serialNumber: string, { silent = false } = {}): Revoked {
    const revoked = { authority: 'issuing', partition: this.partitionOf(serialNumber), serialNumber, change: ++this.change, hold: false }
    this.revoked.set(serialNumber, revoked)
    if (!silent) this.send('revoked', revoked, revoked.change)
    return revoked
  }

  release(serialNumber: string): void {
    this.revoked.delete(serialNumber)
    this.change++
  }

  /** Signs all lists anew, with everything that is revoked now. */
  async publish({ silent = false } = {}): Promise<void> {
    const thisUpdate = this.#nextUpdate()
    for (let partition = 0; partition < this.partitions; partition++) await this.put(partition, { thisUpdate })
    await this.put(null, { thisUpdate })
    if (!silent) for (const news of this.lists) this.send('list', news)
  }

  /** thisUpdate grows by whole seconds, ahead of the clock where many lists are signed in one. */
  #nextUpdate(): Date {
    this.#lastUpdate = Math.max(this.#lastUpdate + 1000, Math.floor(this.now().getTime() / 1000) * 1000 - 120_000)
    return new Date(this.#lastUpdate)
  }

  /** A list that is right but for the options. */
  async list(partition: number | null, options: ListOptions = {}): Promise<Published> {
    const thisUpdate = options.thisUpdate ?? this.#nextUpdate()
    const [ca, number, change] = [partition === null ? this.root : this.issuing, options.number ?? ++this.#number, options.change ?? this.change]
    const entries = options.serialNumbers ?? (partition === null ? [] : [...this.revoked.values()].filter(item => item.partition === partition).map(item => item.serialNumber))
    const signer = options.signer ?? ca
    const der = await signCrl({
      issuer: (options.issuer ?? ca).name, thisUpdate, nextUpdate: options.nextUpdate ?? new Date(thisUpdate.getTime() + 7 * day),
      entries: entries.map(serialNumber => ({ serialNumber: Buffer.from(serialNumber, 'hex'), revocationDate: thisUpdate })),
      extensions: options.extensions ?? [
        authorityKeyIdentifier(signer.signer.subjectPublicKeyInfo), crlNumber(partition === null ? BigInt(number) : toCrlNumber({ crlNumber: BigInt(number), change: BigInt(change) })),
        ...partition === null ? [] : [issuingDistributionPoint({ urls: [this.#address(partition)] })],
      ],
    }, signer.signer)
    return { der, number, change, sha256: createHash('sha256').update(der).digest('hex') }
  }

  /** Puts a list where it is fetched, and into what the feed says. */
  async put(partition: number | null, options: ListOptions = {}): Promise<Published> {
    const list = await this.list(partition, options)
    this.#lists.set(partition === null ? 'root' : `issuing/${partition}`, list)
    this.files.set(partition === null ? '/crl/root.crl' : `/crl/issuing/${partition}.crl`, list.der)
    return list
  }

  get lists(): object[] {
    return [...this.#lists].map(([key, { number, change, sha256 }]) => {
      const [authority, partition] = key.split('/')
      return { authority, scope: partition === undefined ? 'complete' : 'partition', partition: Number(partition ?? 0), crlNumber: number, change, sha256 }
    })
  }

  send(event: string, data: object = {}, id?: number): void {
    for (const response of this.#open) response.write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`)
  }

  heartbeat(): void {
    this.send('heartbeat', { change: this.change, at: this.now().toISOString() }, this.change)
  }

  get connections(): number {
    return this.#open.size
  }

  cut(): void {
    for (const response of this.#open) response.destroy()
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, 'http://service')
    response.setHeader('date', this.now().toUTCString())
    response.on('finish', () => { this.asked.push(`${request.method} ${request.url} ${response.statusCode}`) })
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => { chunks.push(chunk) })
    request.on('end', () => {
      const body = chunks.length === 0 ? undefined : Buffer.concat(chunks)
      const file = this.files.get(url.pathname)
      if (file !== undefined) return response.end(file)
      if (this.down) return response.writeHead(503).end()
      if (!this.#isSigned(request, url, body)) return response.writeHead(401).end()
      this.#answerAgent(url, request, response, body)
    })
  }

  #isSigned(request: IncomingMessage, url: URL, body: Buffer | undefined): boolean {
    if (this.agentKey === undefined) return true
    try {
      const signed = readSignedRequest({ method: request.method!, path: url.pathname, query: url.search.slice(1), body }, request.headers as Record<string, string>)
      verifySignedRequest(signed, this.agentKey)
      return Math.abs(signed.created.getTime() - this.now().getTime()) <= 120_000
    } catch {
      return false
    }
  }

  #answerAgent(url: URL, request: IncomingMessage, response: ServerResponse, body: Buffer | undefined): void {
    const json = (value: object): void => { response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value)) }
    if (url.pathname === '/feed/state') return json(this.state(Number(url.searchParams.get('after'))))
    if (/^\/agents\/[^/]+\/trust$/.test(url.pathname)) return json({ policy: this.policy, trust: this.trust })
    if (url.pathname === '/feed' && this.streams) return this.#stream(Number(request.headers['last-event-id'] ?? 0), response)
    if (request.method === 'POST') {
      this.posted.push({ path: url.pathname, body: JSON.parse(body?.toString() ?? 'null') })
      return void response.writeHead(204).end()
    }
    response.writeHead(404).end()
  }

  state(after: number): { change: number, at: string, reset: boolean, lists: object[], revoked: Revoked[] } {
    return { change: this.change, at: this.now().toISOString(), reset: this.reset, lists: this.lists, revoked: this.after(this.reset ? Math.min(...[...this.#lists.values()].map(list => list.change)) : after) }
  }

  after(change: number): Revoked[] {
    return [...this.revoked.values()].filter(item => item.change > change).sort((a, b) => a.change - b.change)
  }

  #stream(after: number, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    this.#open.add(response)
    response.on('close', () => { this.#open.delete(response) })
    const write = (event: string, data: object, id?: number): void => { response.write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`) }
    for (const list of this.lists) write('list', list)
    for (const item of this.after(after)) write('revoked', item, item.change)
    write('heartbeat', { change: this.change, at: this.now().toISOString() }, this.change)
  }
}
