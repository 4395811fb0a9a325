"""Drawing texts from models: the engine protocol, the torch engine, chunks."""
