/** What is done with a root: its key's way out, and its own list. */
import { z } from 'zod'
import { activeAuthority, authorityNamed, type Authority } from '../../../certificates/authority.ts'
import { rootList } from '../../../certificates/hierarchy.ts'
import { assertFollows, openImportedKey, parseRootCrl } from '../../../certificates/import.ts'
import type { NewCrl } from '../../../certificates/publish.ts'
import { revocationReasons, type RevocationReason } from '../../../certificates/revoke.ts'
import { CaError } from '../../../errors.ts'
import type { CrlEntry } from '../../../formats/crl.ts'
import { toPem } from '../../../formats/pem.ts'
import { assertLocal } from '../../../http/actor.ts'
import { change } from '../../../http/change.ts'
import { lockRootList, type RootList } from '../../../http/root-lists.ts'
import type { Service } from '../../../http/service.ts'
import { openCeremony } from '../../../keys/ceremony.ts'
import { hierarchyStore } from '../../../store/authorities.ts'
import { operation } from '../operation.ts'
import { rootCrlView, viewOfRootCrl } from './authority-view.ts'
import { reasonNames } from './certificate-view.ts'

/** A root by its name; else the active one. */
const rootName = z.string().max(40).optional()

/** @throws {CaError} authority-not-found */
function rootNamed({ authorities }: Service, name: string | undefined): Authority {
  if (name === undefined) return activeAuthority(authorities(), 'root')
  const root = authorityNamed(authorities(), name)
  if (root.role !== 'root') throw new CaError('authority-not-found', `${name} is not a root`)
  return root
}

export const authorityExportRoot = operation({
  id: 'authorityExportRoot', method: 'post', path: '/authorities/root/export', role: 'admin',
  summary: 'The root’s private key, encrypted under a passphrase of yours; with `remove` it is taken away from here for good. Only by the socket on the service’s machine.',
  input: z.strictObject({ root: rootName, passphrase: z.string().min(20).max(1000), remove: z.boolean().default(false) }),
  output: z.strictObject({ encryptedPrivateKey: z.string(), certificate: z.string(), removed: z.boolean() }),
  async run(service, actor, { root: name, passphrase, remove }) {
    // Who has this key can make phones and front ends believe anything: a token that leaked must not be enough.
    assertLocal(actor)
    const root = rootNamed(service, name)
    const encryptedPrivateKey = await service.keyring.exportKey(root.key, passphrase)
    await change(service, actor, async (tx, record, now) => {
      if (remove) {
        // The list has to last for years from now on, because nobody here can sign another.
        const previous = await lockRootList(tx, root)
        if (previous === undefined || seconds(previous.thisUpdate) < seconds(now)) {
          const number = (previous?.crlNumber ?? 0) + 1
          await hierarchyStore(tx).addCrl(root.id, number, [await rootList(service.keyring, root, number, now, previous?.entries)])
        }
        await hierarchyStore(tx).removePrivateKey(root.key.id)
      }
      await record('authority.export-root', `authority:${root.name}`, { removed: remove })
    })
    if (remove) await service.reload()
    return { encryptedPrivateKey, certificate: toPem('CERTIFICATE', root.certificate.raw), removed: remove }
  },
})

export const authorityRootCrl = operation({
  id: 'authorityRootCrl', method: 'post', path: '/authorities/root/crl', role: 'admin',
  summary: 'A new list of the root: signed with the root’s key here, with the key given back for this once, or elsewhere.',
  input: z.strictObject({
    /** A root by its name; else the one above the authority that is taken back, or the active one. */
    root: rootName,
    /** The root’s key, encrypted PKCS#8 in PEM. It is used for this list and not kept. */
    privateKey: z.string().max(20_000).optional(),
    passphrase: z.string().max(1000).optional(),
    /** A list that was signed elsewhere, in PEM. */
    crl: z.string().max(500_000).optional(),
    /** With `crl`: what the list before names and this one does not was dropped knowingly, because it has ended. Never one of ours that has not. */
    dropped: z.boolean().default(false),
    /** An issuing authority that the root takes back, for good. */
    revoke: z.strictObject({ authority: z.string().max(40), reason: z.enum(reasonNames).exclude(['certificateHold']).default('unspecified') }).optional(),
  }).refine(({ crl, privateKey, passphrase, revoke }) => crl === undefined || (privateKey ?? passphrase ?? revoke) === undefined, 'a list that was signed elsewhere needs nothing else')
    .refine(({ privateKey, passphrase }) => privateKey !== undefined || passphrase === undefined, 'a passphrase without a key opens nothing')
    .refine(({ crl, dropped }) => crl !== undefined || !dropped, 'what is signed here drops nothing'),
  output: rootCrlView,
  async run(service, actor, input) {
    const root = rootFor(service, input)
    const crl = await change(service, actor, async (tx, record, now) => {
      const next = await nextRootList(service, root, await lockRootList(tx, root), input, now)
      await hierarchyStore(tx).addCrl(root.id, next.crlNumber, [next])
      await record('authority.root-crl', `authority:${root.name}`, { crlNumber: next.crlNumber, nextUpdate: next.nextUpdate, revoked: input.revoke ?? null, dropped: input.dropped })
      return next
    })
    return viewOfRootCrl(root, crl, crl.entries)
  },
})

type RootCrlInput = {
  root?: string | undefined, privateKey?: string | undefined, passphrase?: string | undefined, crl?: string | undefined, dropped: boolean
  revoke?: { authority: string, reason: string } | undefined
}

function rootFor(service: Service, { root, revoke }: RootCrlInput): Authority {
  if (root !== undefined || revoke === undefined) return rootNamed(service, root)
  const { parentId } = authorityNamed(service.authorities(), revoke.authority)
  return service.authorities().all.find(({ id }) => id === parentId) ?? rootNamed(service, undefined)
}

async function nextRootList(service: Service, root: Authority, previous: RootList | undefined, input: RootCrlInput, now: Date): Promise<NewCrl> {
  const number = (previous?.crlNumber ?? 0) + 1
  if (input.crl !== undefined) {
    const next = parseRootCrl(input.crl, root.certificate, number, now)
    if (previous !== undefined) assertFollows(next, previous, input.dropped ? ours(service, now) : undefined)
    return next
  }
  if (previous !== undefined && seconds(now) <= seconds(previous.thisUpdate)) throw new CaError('conflict', 'a list of this very second exists: ask again in the next')
  return await signRootList(service, root, number, now, entriesFor(service, root, previous?.entries ?? [], input.revoke, now), input)
}

/** Serial numbers of authorities here that have not ended. */
const ours = (service: Service, now: Date): Set<string> => new Set(service.authorities().all
  .filter(({ certificate }) => now <= certificate.notAfter).map(({ certificate }) => certificate.serialNumber))

const seconds = (instantOf: Date): number => Math.floor(instantOf.getTime() / 1000)

function entriesFor(service: Service, root: Authority, listed: CrlEntry[], revoke: { authority: string, reason: string } | undefined, now: Date): CrlEntry[] {
  if (revoke === undefined) return listed
  const authority = authorityNamed(service.authorities(), revoke.authority)
  if (authority.parentId !== root.id || authority.active) {
    throw new CaError('invalid-argument', 'only an issuing authority of this root that no longer issues can be taken back: import its successor first')
  }
  const serialNumber = Buffer.from(authority.certificate.serialNumber, 'hex')
  if (listed.some(entry => entry.serialNumber.equals(serialNumber))) throw new CaError('certificate-already-revoked', 'this authority is on the list already')
  return [...listed, { serialNumber, revocationDate: new Date(seconds(now) * 1000), reason: revocationReasons[revoke.reason as RevocationReason] }]
}

async function signRootList(service: Service, root: Authority, number: number, now: Date, entries: CrlEntry[], given: { privateKey?: string | undefined, passphrase?: string | undefined }): Promise<NewCrl> {
  if (given.privateKey === undefined) return await rootList(service.keyring, root, number, now, entries)
  const ceremony = openCeremony(openImportedKey(given.privateKey, given.passphrase, root.certificate))
  return await rootList(ceremony.keyring, { certificate: root.certificate, key: ceremony.key }, number, now, entries)
}
