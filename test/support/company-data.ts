/** Who works at a company of middling size, and what they carry: names as long and as short as they come. */
export const staff: readonly string[] = [
  'Ines Roth', 'Tom Weiss', 'Samir Haddad', 'Grace Okonkwo', 'Mei-Ling Zhou', 'Jo Li', 'Björn Ångström', 'Zoë Ní Dhomhnaill',
  'Aleksandra Wiśniewska-Kowalczyk', 'Maximilian Freiherr von Hohenberg-Schwarzenfeld', 'Łukasz Dąbrowski', 'Priya Raghunathan', 'José Ramón Echeverría Etxeberria',
  'Nguyễn Thị Minh Khai', 'Anouk de Vries', 'Dmytro Kovalenko', 'Fatima Zahra El Amrani', 'Yuki Tanaka', 'Olga Petrova', 'Liam O’Brien', 'Chiara Bianchi', 'Kwame Mensah',
  'Hélène Desrosiers', 'Paul Adler', 'Sofia Lindqvist', 'Ahmet Yılmaz', 'Emma Novak', 'Noor Jansen', 'Viktor Horvát', 'Rosa Marín', 'Karl Brandt', 'Leila Farahani',
  'Ben Carter', 'Amelia Wright', 'Oskar Nilsen', 'Tereza Svobodová', 'Ravi Menon', 'Hannah Vogel', 'Mateo Silva', 'Ada Byron', 'Marek Zieliński', 'Ingrid Solberg',
  'Diego Fuentes', 'Laura Keller', 'Jonas Meier', 'Petra Huber', 'Sean Murphy', 'Agnes Toth', 'Felix Krüger', 'Nadia Rahman', 'Simon Baker', 'Clara Fontaine',
  'Ivo Marković', 'Ruth Goldberg', 'Theo Papadakis', 'Lena Fischer', 'Omar Said', 'Julia Sommer', 'Erik Larsen', 'Marta Kowalska',
]

export const addressOf = (name: string): string =>
  `${name.normalize('NFKD').replaceAll(/[\u0300-\u036f’]/g, '').replaceAll('Ł', 'L').replaceAll('ł', 'l').replaceAll('ı', 'i').toLowerCase().replaceAll(/[^a-z]+/g, '.')}@northwind.example`

/** Product type and build, as often as they are carried. */
export const carried: readonly (readonly [product: string, build: string])[] = [
  ['iPhone17,3', '23D127'], ['iPhone14,5', '22G6100'], ['iPhone15,4', '23C55'], ['iPhone17,3', '23C55'], ['iPhone12,1', '22G6100'], ['iPhone16,1', '23A6355'],
  ['iPhone14,5', '23C6071'], ['iPhone12,8', '22G6100'], ['iPhone17,3', '23A6355'], ['iPhone13,2', '23A6355'], ['iPhone10,4', '20H360'], ['iPhone15,4', '22G6100'],
  ['iPhone18,1', '23C55'], ['iPhone14,6', '22G6100'], ['iPhone11,8', '22G90'],
]

/** A template as a company writes it, with what the phone's owner has to know. */
export const companyTemplate = {
  organization: 'Northwind', displayName: 'Northwind mail', identifier: 'example.northwind.phones',
  description: 'Sets up mail, calendar and contacts of Northwind on this phone.',
  contact: 'Northwind service desk, +49 30 555 01 55, help@northwind.example',
  exchange: { name: 'Northwind', host: 'mail.northwind.example', preventMove: true },
  passcode: { minLength: 6, allowSimple: false, maxFailedAttempts: 10 }, forceEncryptedBackup: true,
  wifi: [{ ssid: 'Northwind staff', encryption: 'WPA3', trustedServerNames: ['radius.northwind.example'] }],
  webClip: [{ label: 'Service desk', url: 'https://help.northwind.example/' }],
}

/** of the admin */
export const password = 'a sentence is good'
