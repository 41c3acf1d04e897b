// Loaded before npm: ends it when its standard input does, so that it never outlives the process that started it.
'use strict';
process.stdin.on('end', () => process.exit(1)).on('error', () => process.exit(1)).resume();
process.stdin.unref?.();
