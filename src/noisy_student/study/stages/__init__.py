"""One file a stage: the only place where packages meet; each reads its inputs, calls one package, writes its data."""
