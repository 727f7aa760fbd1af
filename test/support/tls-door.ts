/** A door with TLS before a service that has none, as across a network. */
import { request } from 'node:http'
import { createServer } from 'node:https'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import { subjectAltName } from '../../src/formats/extensions.ts'
import { toPem } from '../../src/formats/pem.ts'
import { issueTestCertificate, newAuthority, newSigner, testSerialNumber } from './signers.ts'
import { temporaryFolder } from './temporary.ts'

export type TlsDoor = {
  /** `https://localhost:port` */
  readonly url: string
  /** PEM, of the CA that its certificate is held against. */
  readonly caFile: string
}

/** @param origin  what stands behind it */
export async function behindTls(t: ExecutionContext<any>, origin: string): Promise<TlsDoor> {
  const [ca, signer, folder] = [await newAuthority('Doors'), newSigner(), await temporaryFolder(t)]
  const certificate = await issueTestCertificate(ca, testSerialNumber('door'), signer, [subjectAltName([{ type: 'dNSName', value: 'localhost' }])])
  const { hostname, port } = new URL(origin)
  const server = createServer({ cert: toPem('CERTIFICATE', certificate), key: signer.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }, (asked, answer) => {
    const behind = request({ hostname, port, method: asked.method, path: asked.url, headers: asked.headers }, response => {
      answer.writeHead(response.statusCode!, response.headers)
      response.pipe(answer)
    })
    behind.on('error', () => { answer.destroy() })
    asked.pipe(behind)
  })
  // localhost is both; a front end takes either.
  await new Promise<void>(resolve => { server.listen(0, resolve) })
  t.teardown(() => new Promise<void>(resolve => {
    server.close(() => { resolve() })
    server.closeAllConnections()
  }))
  const caFile = `${folder}/ca.pem`
  writeFileSync(caFile, toPem('CERTIFICATE', ca.certificate))
  return { url: `https://localhost:${(server.address() as AddressInfo).port}`, caFile }
}
