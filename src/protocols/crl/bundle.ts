import { createHash } from 'node:crypto'
import { CaError } from '../../errors.ts'
import { toPem } from '../../formats/pem.ts'
import type { Artefact } from '../../http/artefact.ts'
import type { Service } from '../../http/service.ts'
import { crlFileStore, type CrlHead } from '../../store/crls.ts'
import { maxAgeSeconds } from './max-age.ts'

/**
 * The one file of lists that a front end loads: every root's list and all partitions of every issuing authority, of
 * one moment. Never a delta or a complete list beside them, for OpenSSL then takes the wrong one: a revoked
 * certificate was let in. The enrollment CA is not in it, for a front end must not trust that one at all.
 *
 * Many front ends ask every few seconds, so the newest text is kept.
 *
 * @throws {CaError} crl-not-published
 */
export function bundleOf(service: Service): () => Promise<Artefact> {
  let kept: { tag: string, text: string } | undefined
  return async () => {
    const scope = bundleScope(service)
    const heads = await crlFileStore(service.db).bundleHeads(scope)
    assertWhole(heads, scope)
    const sha256 = tagOf(heads)
    const known = kept
    if (known?.tag === sha256.toString('hex')) return artefact(service, heads, sha256, () => known.text)
    // Read anew as a whole, and described by what was read: the two moments may differ.
    const lists = await crlFileStore(service.db).bundle(scope)
    assertWhole(lists, scope)
    const text = lists.map(list => toPem('X509 CRL', list.der)).join('')
    const tag = tagOf(lists)
    kept = { tag: tag.toString('hex'), text }
    return artefact(service, lists, tag, () => text)
  }
}

/** Whose lists belong in it. */
export function bundleScope(service: Service): { complete: number[], partitions: number[] } {
  const now = service.now()
  // One that has ended publishes no more, and its last lists run out.
  const all = service.authorities().all.filter(({ certificate }) => now <= certificate.notAfter)
  return {
    complete: all.filter(authority => authority.role === 'root').map(authority => authority.id),
    partitions: all.filter(authority => authority.role === 'issuing').map(authority => authority.id),
  }
}

/** With one authority's lists missing, a front end would refuse everybody: it had better keep what it has. */
function assertWhole(lists: CrlHead[], { complete, partitions }: { complete: number[], partitions: number[] }): void {
  const missing = [...complete, ...partitions].some(id => !lists.some(list => list.authorityId === id))
  if (missing) throw new CaError('crl-not-published', 'the first revocation lists have not been published yet')
}

/** The text follows from the lists and their order, so their digests stand for it. */
const tagOf = (lists: CrlHead[]): Buffer =>
  lists.reduce((hash, list) => hash.update(list.sha256), createHash('sha256')).digest()

function artefact(service: Service, lists: CrlHead[], sha256: Buffer, read: () => string): Artefact {
  const thisUpdate = Math.max(...lists.map(list => list.thisUpdate.getTime()))
  const nextUpdate = Math.min(...lists.map(list => list.nextUpdate.getTime()))
  return {
    type: 'application/x-pem-file', sha256, lastModified: new Date(thisUpdate),
    maxAgeSeconds: maxAgeSeconds(new Date(nextUpdate), service.now()), read,
  }
}
