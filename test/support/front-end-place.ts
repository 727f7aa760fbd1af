/** What every front end in tests has: a folder, a port, a certificate of its own, and something to protect. */
import { mkdirSync, writeFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { toPem } from '../../src/formats/pem.ts'
import type { ConfigurationValues } from '../../src/protocols/check/configurations/values.ts'
import { startBackend, type Backend } from './backend.ts'
import { freePort } from './free-port.ts'
import { issueTestCertificate, newAuthority, newSigner, testSerialNumber } from './signers.ts'
import { temporaryFolder } from './temporary.ts'

export type FrontEndPlace = { readonly folder: string, readonly port: number, readonly backend: Backend, readonly values: ConfigurationValues }

export async function newFrontEndPlace(t: ExecutionContext<any>): Promise<FrontEndPlace> {
  const folder = await temporaryFolder(t)
  const [port, backend] = [await freePort(), await startBackend(t)]
  const server = newSigner()
  const certificate = await issueTestCertificate(await newAuthority('front ends'), testSerialNumber('front end'), server)
  const key = server.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const values = {
    frontEnd: 'edge', listen: `127.0.0.1:${port}`, certificate: `${folder}/server.pem`, certificateKey: `${folder}/server-key.pem`, files: `${folder}/files`, run: folder,
    backend: `127.0.0.1:${backend.port}`, latchkey: 'http://127.0.0.1:8080', ocsp: 'http://127.0.0.1:8080/ocsp/issuing', streamLimitSeconds: 900,
  }
  mkdirSync(values.files)
  writeFileSync(values.certificate, toPem('CERTIFICATE', certificate) + key, { mode: 0o600 })
  writeFileSync(values.certificateKey, key, { mode: 0o600 })
  return { folder, port, backend, values }
}
