import { createPrivateKey, createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { InvalidArgumentError, type Command } from 'commander'
import { newSecretToken } from '../devices/secret-token.ts'
import { CaError } from '../errors.ts'
import { fromPem } from '../formats/pem.ts'
import { parseCertificate } from '../formats/x509.ts'
import { authorityImport } from '../protocols/api/operations/authority-import.ts'
import { authorityExportRoot, authorityRootCrl } from '../protocols/api/operations/authority-root.ts'
import { authorityRenewSigners, authorityShow } from '../protocols/api/operations/authorities.ts'
import { group, leaf, line, type Context, type World } from './command.ts'
import { readPassphraseFile, readText, writeSecretFile } from './files.ts'
import { fields, when } from './output.ts'

type Reason = 'unspecified' | 'keyCompromise' | 'affiliationChanged' | 'superseded' | 'cessationOfOperation' | 'privilegeWithdrawn'

export function authorityCommands(root: Command, world: World): void {
  const authority = group(root, 'authority', 'the certificate authorities')
  leaf(authority, world, 'show', 'what there is', show)
  leaf(authority, world, 'export-root', 'write the root’s key to a file, encrypted; with --remove it is taken away from the service for good', exportRoot, command => command
    .requiredOption('--out <file>', 'where to write it')
    .option('--passphrase-file <file>', 'what encrypts it, 20 characters at least; without it one is made and printed once').option('--remove', 'take it away: needs a passphrase file').option('--root <name>', 'not the active root'))
  leaf(authority, world, 'root-crl', 'a new list of the root', rootCrl, command => command
    .option('--key <file>', 'the root’s key, given back for this once').option('--passphrase-file <file>', 'what opens it')
    .option('--crl <file>', 'a list that was signed elsewhere').option('--revoke <authority>', 'an issuing authority that is taken back').option('--reason <reason>', 'why', 'unspecified')
    .option('--dropped', 'the list that was signed elsewhere leaves out what has ended').option('--root <name>', 'not the active root'))
  leaf(authority, world, 'import', 'bring your own root or issuing CA', importAuthority, command => command
    .requiredOption('--certificates <file>', 'PEM: a root, or an issuing CA and its root').requiredOption('--key <file>', 'PKCS#8 PEM of the first certificate')
    .option('--passphrase-file <file>', 'what opens it').option('--root-key <file>', 'the root’s key, should it be kept here').option('--root-passphrase-file <file>', 'what opens it')
    .option('--root-crl <file>', 'a list of the root, needed when its key does not come')
    .option('--crl-number <number>', 'of the newest list that the first certificate’s CA has published elsewhere', crlNumberOf))
  leaf(authority, world, 'renew-signers', 'renew what signs for the authorities', renewSigners, command => command.option('--all', 'not only what is near its end'))
}

async function show({ client, print }: Context): Promise<void> {
  print(await client.call(authorityShow, {}), ({ items, rootCrls }) => items.map(a => fields([
    ['name', `${a.name} (${a.role}${a.active ? '' : ', retired'})`], ['subject', a.subject], ['fingerprint', a.fingerprint], ['key', `${a.key}, ${a.keyHere ? 'here' : 'not here'}`],
    ['serial number', a.serialNumber], ['from', when(a.notBefore)], ['until', when(a.notAfter)],
    ...a.role === 'issuing' ? [['partitions', a.partitions]] as const : [],
    ...rootCrls.filter(({ root }) => root === a.name).map(list => ['its list', `number ${list.crlNumber}, until ${when(list.nextUpdate)}, ${list.entries} revoked`] as const),
    ...a.signers.map(signer => [signer.purpose, `until ${when(signer.notAfter)}`] as const),
  ])).join('\n'))
}

/** The key leaves the service only after the file has been written, read back and opened. */
async function exportRoot({ client, print }: Context, { out, passphraseFile, remove = false, root }: { out: string, passphraseFile?: string, remove?: boolean, root?: string }): Promise<void> {
  // What is printed may be lost with the terminal, and then the key would be, too.
  if (remove && passphraseFile === undefined) throw new CaError('invalid-argument', '--remove needs --passphrase-file: without the passphrase the key would be lost for good')
  const made = passphraseFile === undefined ? newSecretToken() : undefined
  const passphrase = made ?? readPassphraseFile(passphraseFile!)
  const { encryptedPrivateKey, certificate } = await client.call(authorityExportRoot, { root, passphrase, remove: false })
  writeSecretFile(out, `${encryptedPrivateKey}${certificate}`)
  assertOpens(readFileSync(out, 'utf8'), passphrase)
  if (remove) await client.call(authorityExportRoot, { root, passphrase, remove: true })
  print({ file: out, removed: remove, ...made === undefined ? {} : { passphrase: made } }, ({ file, removed }) => line(`the root’s key and certificate are in ${file}`)
    + (made === undefined ? '' : line(`its passphrase, shown this once: ${made}`)) + line(removed ? 'the service has it no longer' : 'the service still has it'))
}

function assertOpens(text: string, passphrase: string): void {
  const privateKey = createPrivateKey({ key: text, format: 'pem', passphrase })
  const { publicKey } = parseCertificate(fromPem(text, 'CERTIFICATE')[0]!)
  if (!createPublicKey(privateKey).equals(publicKey)) throw new CaError('key-unavailable', 'the file that was written does not hold the root’s key')
}

type RootCrlOptions = { root?: string, dropped?: boolean, key?: string, passphraseFile?: string, crl?: string, revoke?: string, reason: string }

async function rootCrl({ client, print }: Context, { root, dropped, key, passphraseFile, crl, revoke, reason }: RootCrlOptions): Promise<void> {
  print(await client.call(authorityRootCrl, {
    root, dropped, privateKey: key === undefined ? undefined : privateKeyBlock(readText(key)), passphrase: passphraseFile === undefined ? undefined : readPassphraseFile(passphraseFile),
    crl: crl === undefined ? undefined : readText(crl), revoke: revoke === undefined ? undefined : { authority: revoke, reason: reason as Reason },
  }), list => line(`list ${list.crlNumber} of ${list.root}, until ${when(list.nextUpdate)}, ${list.entries} revoked`))
}

/** The file that `export-root` wrote also holds the certificate, which is nobody's secret and not asked for. */
const privateKeyBlock = (text: string): string => /-----BEGIN (ENCRYPTED )?PRIVATE KEY-----[^-]*-----END \1?PRIVATE KEY-----/.exec(text)?.[0] ?? text

type ImportOptions = { certificates: string, key: string, passphraseFile?: string, rootKey?: string, rootPassphraseFile?: string, rootCrl?: string, crlNumber?: number }

async function importAuthority({ client, print }: Context, options: ImportOptions): Promise<void> {
  const text = (path: string | undefined): string | undefined => path === undefined ? undefined : readText(path)
  const passphrase = (path: string | undefined): string | undefined => path === undefined ? undefined : readPassphraseFile(path)
  print(await client.call(authorityImport, {
    certificates: readText(options.certificates), privateKey: privateKeyBlock(readText(options.key)), passphrase: passphrase(options.passphraseFile),
    rootPrivateKey: options.rootKey === undefined ? undefined : privateKeyBlock(readText(options.rootKey)), rootPassphrase: passphrase(options.rootPassphraseFile), rootCrl: text(options.rootCrl), crlNumber: options.crlNumber,
  }), ({ root, issuing }) => fields([['root', `${root.name}: ${root.subject}`], ['fingerprint', root.fingerprint], ['issues now', `${issuing.name}: ${issuing.subject}`]]))
}

function crlNumberOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('must be a whole number')
  return Number(text)
}

async function renewSigners({ client, print }: Context, { all = false }: { all?: boolean }): Promise<void> {
  print(await client.call(authorityRenewSigners, { all }), ({ renewed }) => line(`${renewed} renewed`))
}
